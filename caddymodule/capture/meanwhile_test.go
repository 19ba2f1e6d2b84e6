package capture_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/webhook"
)

// syncingLine is a line whose disk has synced an end once a GET came to the API.
type syncingLine struct {
	*memoryLine
	asked chan struct{}
	fails error
}

func (l *syncingLine) End(ctx context.Context, x *webhook.Exchange, durable bool, meanwhile ...func()) error {
	if err := l.memoryLine.End(ctx, x, durable, meanwhile...); err != nil {
		return err
	}
	select {
	case <-l.asked:
		return l.fails
	case <-time.After(20 * time.Second):
		return errors.New("nobody asked the API while the disk worked")
	}
}

// The GET that shows the entity is under way while the end is synced, and if that
// fails nothing is left of it.
func TestTheAPIIsAskedWhileTheDiskWorks(t *testing.T) {
	for name, fails := range map[string]error{"synced": nil, "failed": errors.New("the disk is broken")} {
		t.Run(name, func(t *testing.T) {
			l := &syncingLine{newLine(t), make(chan struct{}, 1), fails}
			upstream := api(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPatch {
					w.WriteHeader(http.StatusNoContent)
					return
				}
				l.asked <- struct{}{}
				w.Header().Set("Content-Type", "application/json")
				w.Write([]byte(`{"id":1,"a":1}`))
			})
			h := probe(t, l.memoryLine)
			capture.SetProbeLine(t.Name(), l)
			at := serve(t, []object{h, proxy(upstream)})
			s := ask(t, client(t, http1), request(t, "PATCH", at[0], "/things/1", strings.NewReader(`{"a":1}`)))
			if s.Status != http.StatusNoContent {
				t.Errorf("the client got %d", s.Status)
			}
			x := l.only(t)
			if fails != nil {
				l.until(t, "a gap", func() bool { return len(l.missed) == 1 })
				return
			}
			if len(l.missed) > 0 {
				t.Errorf("missed: %v", l.missed)
			}
			if seen := after(t, l.memoryLine, x); seen == nil || string(seen.Body.Bytes) != `{"id":1,"a":1}` {
				t.Errorf("seen %+v", seen)
			}
		})
	}
}

package capture_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/webhook"
)

// buggyLine panics where it is told to.
type buggyLine struct {
	*memoryLine
	where string
}

func (l *buggyLine) at(where string) {
	if l.where == where {
		panic("a bug in " + where)
	}
}

func (l *buggyLine) Begin(b *webhook.Begin) error {
	l.at("Begin")
	return l.memoryLine.Begin(b)
}

func (l *buggyLine) End(ctx context.Context, x *webhook.Exchange, durable bool, meanwhile ...func()) error {
	l.at("End")
	return l.memoryLine.End(ctx, x, durable, meanwhile...)
}

func (l *buggyLine) Snapshot(ctx context.Context, key webhook.EntityKey) (webhook.Snapshot, error) {
	l.at("Snapshot")
	return l.memoryLine.Snapshot(ctx, key)
}

func (l *buggyLine) Caller(h http.Header, secret string) []byte {
	l.at("Caller")
	return l.memoryLine.Caller(h, secret)
}

// A bug of ours fails no call, wherever it is.
func TestABugFailsNoCall(t *testing.T) {
	for _, where := range []string{"Caller", "Snapshot", "Begin", "End"} {
		t.Run(where, func(t *testing.T) {
			upstream := api(t, answers["json"])
			l := newLine(t)
			h := probe(t, l, object{"before": "fetch"})
			capture.SetProbeLine(t.Name(), &buggyLine{l, where})
			at := serve(t, []object{h, proxy(upstream)})
			s := ask(t, client(t, http1), request(t, "PUT", at[0], "/things/1", strings.NewReader("{}")))
			if s.Status != http.StatusCreated {
				t.Errorf("the client got %d %s", s.Status, s.BodyErr)
			}
			switch where {
			case "Snapshot", "Begin":
				l.only(t)
			case "End":
				l.until(t, "the missed call", func() bool { return len(l.missed) == 1 })
			}
		})
	}
}

// A bug behind a call, where nothing of Caddy's stops a panic, harms nobody, and holds
// up no other call on its entity.
func TestABugBehindACallHarmsNobody(t *testing.T) {
	for name, answer := range map[string]string{"before its GET": `{"id":1,"n":2}`, "in its GET": ""} {
		t.Run(name, func(t *testing.T) {
			l := newLine(t)
			h := probe(t, l, object{"fetch": time.Minute})
			capture.SetProbeLine(t.Name(), &buggyLine{l, "Snapshot"})
			at := serve(t, []object{h, proxy(api(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPatch && answer == "" {
					w.WriteHeader(http.StatusNoContent)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				w.Write([]byte(`{"id":1,"n":2}`))
			}))})
			for n := range 3 {
				s := ask(t, client(t, http1), request(t, "PATCH", at[0], "/things/1", strings.NewReader("{}")))
				if s.Status != http.StatusOK && s.Status != http.StatusNoContent {
					t.Fatalf("call %d got %d %s", n, s.Status, s.BodyErr)
				}
				after(t, l, l.wait(t, n+1)[n])
			}
		})
	}
}

// hungLine is a line whose disk hangs.
type hungLine struct {
	*memoryLine
	patience chan time.Duration
}

func (l *hungLine) End(ctx context.Context, _ *webhook.Exchange, _ bool, _ ...func()) error {
	until, _ := ctx.Deadline()
	l.patience <- time.Until(until)
	return context.DeadlineExceeded
}

// unreadLine is a line whose disk hangs when it is read.
type unreadLine struct {
	*memoryLine
	patience chan time.Duration
}

func (l *unreadLine) Snapshot(ctx context.Context, _ webhook.EntityKey) (webhook.Snapshot, error) {
	until, limited := ctx.Deadline()
	if !limited {
		until = time.Now().Add(time.Hour)
	}
	l.patience <- time.Until(until)
	return webhook.Snapshot{}, context.DeadlineExceeded
}

// A call waits for what is to be read of an entity, before it is forwarded and
// behind it, no longer than for the disk to write.
func TestACallDoesNotWaitForeverForWhatIsRead(t *testing.T) {
	upstream := api(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"id":1,"a":1}`)) // which may be no more than was set
	})
	for name, settings := range map[string]object{"before": {"before": "fetch"}, "behind": {}} {
		t.Run(name, func(t *testing.T) {
			l := &unreadLine{newLine(t), make(chan time.Duration, 8)}
			h := probe(t, l.memoryLine, settings)
			capture.SetProbeLine(t.Name(), l)
			at := serve(t, []object{h, proxy(upstream)})
			s := ask(t, client(t, http1), request(t, "PATCH", at[0], "/things/1", strings.NewReader(`{"a":1}`)))
			if s.Status != http.StatusOK {
				t.Errorf("the client got %d %s", s.Status, s.BodyErr)
			}
			select {
			case got := <-l.patience:
				if got <= 8*time.Second || got > 10*time.Second {
					t.Errorf("the call waits %v for what is read", got)
				}
			default:
				t.Error("nothing was read")
			}
		})
	}
}

// A call waits for a disk that hangs for ten seconds, give or take one, and then
// goes on as missed.
func TestACallDoesNotWaitForeverForTheDisk(t *testing.T) {
	upstream := api(t, answers["json"])
	l := &hungLine{newLine(t), make(chan time.Duration, 1)}
	h := probe(t, l.memoryLine)
	capture.SetProbeLine(t.Name(), l)
	at := serve(t, []object{h, proxy(upstream)})
	s := ask(t, client(t, http1), request(t, "PUT", at[0], "/things/1", strings.NewReader("{}")))
	if s.Status != http.StatusCreated {
		t.Errorf("the client got %d %s", s.Status, s.BodyErr)
	}
	if got := <-l.patience; got <= 8*time.Second || got > 10*time.Second {
		t.Errorf("the call waits %v for the disk", got)
	}
	l.until(t, "the missed call", func() bool { return len(l.missed) == 1 })
}

package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// With strict, a call that cannot be kept is refused before the API sees it.
func TestStrictRefusesWhatCannotBeKept(t *testing.T) {
	for _, d := range disks(t) {
		t.Run(d.name, func(t *testing.T) { refusesWhatCannotBeKept(t, d) })
	}
}

func refusesWhatCannotBeKept(t *testing.T, d *disk) {
	var asked atomic.Int64
	items := itemAPI()
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		items.ServeHTTP(w, r)
	}))
	crm := receive(t, nil)
	config := caddyfile(subscribe("crm", crm, "scopes item.updated"), "\t\tstrict\n\t\tresource item /items", api.URL)
	p := start(t, strings.ReplaceAll(config, "{DATA}", filepath.Join(d.dir, "data")))
	p.call("PATCH", "/items/a", `{"n":1}`)
	crm.wait(1)
	d.fill(p)
	for n := range 5000 {
		before := asked.Load()
		if status, _ := p.call("PATCH", "/items/a", `{"n":`+itoa(n)+`,"size":60000}`); status == http.StatusServiceUnavailable {
			if asked.Load() != before {
				t.Error("a call was forwarded and refused all the same")
			}
			return
		}
	}
	t.Error("5000 calls of 60 kB were let through on a full disk")
}

// Bodies longer than max_body are not kept: the state after the call is asked for.
func TestMaxBodyBoundsWhatIsKept(t *testing.T) {
	var gets atomic.Int64
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		name := "short"
		if r.Method == http.MethodPatch {
			name = strings.Repeat("long", 1000)
		} else {
			gets.Add(1)
		}
		json.NewEncoder(w).Encode(map[string]string{"id": "a", "name": name})
	}))
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.updated"), "\t\tmax_body 1KiB\n\t\tbefore none\n\t\tresource item /items", api.URL))
	if _, answer := p.call("PATCH", "/items/a", `{"n":1}`); len(answer) < 4000 {
		t.Errorf("the client got %d bytes of an answer that is longer than max_body", len(answer))
	}
	got := crm.wait(1)[0]
	if !strings.Contains(string(got.Body.Data), `"short"`) || gets.Load() == 0 {
		t.Errorf("after %d GETs the event has %s", gets.Load(), got.Body.Data)
	}
}

// With on_client_abort cancel, a call ends with its client.
func TestCancelEndsACallWithItsClient(t *testing.T) {
	entered, ended := make(chan struct{}), make(chan struct{})
	var once sync.Once
	api := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method != "PATCH" {
			return // asked what came of the call
		}
		r.Body.Read(make([]byte, 100)) // the server notices a lost connection once the body is read
		once.Do(func() {
			close(entered)
			<-r.Context().Done()
			close(ended)
		})
	}))
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.gap"), "\t\ton_client_abort cancel\n\t\tbefore none\n\t\tresource item /items", api.URL))
	ctx, hangUp := context.WithCancel(t.Context())
	go func() {
		req, _ := http.NewRequestWithContext(ctx, "PATCH", p.site+"/items/a", strings.NewReader(`{"n":1}`))
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	<-entered
	hangUp()
	until(t, "the API notices that the client is gone", func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	})
	wantScopes(t, crm.wait(1), "item.gap")
}

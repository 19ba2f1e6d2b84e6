package caddymodule_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// The directive's origin and credential are the ones that are used, and its
// connections close when the configuration goes.
func TestOriginAndCredentialOfTheDirective(t *testing.T) {
	setSecrets(t)
	var open atomic.Int32
	closed := make(chan struct{}, 10)
	asked := make(chan *http.Request, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		fmt.Fprint(w, `{"id":"5"}`)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
			closed <- struct{}{}
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	config, err := adapt(strings.NewReplacer("DIR", filepath.Join(t.TempDir(), "data"), "ORIGIN", server.URL, "ADDRESS", address).Replace(`{
	admin off
	persist_config off
	auto_https off
	sidehook {
		store badger DIR
	}
}

http://ADDRESS {
	sidehook {
		origin ORIGIN
		credential Authorization "Bearer {env.SERVICE_TOKEN}"
		fetch 5s
		resource project /projects
	}
	respond 204
}
`))
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { caddy.Stop() })
	r, err := http.NewRequest("DELETE", "http://"+address+"/projects/5", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {"DPoP t"}, "Dpop": {"proof"}} // good for this request alone
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != 204 {
		t.Fatalf("status %d", res.StatusCode)
	}
	select {
	case r := <-asked:
		if r.RequestURI != "/projects/5" || r.Header.Get("Authorization") != "Bearer "+goodSecret || r.Header.Get("Dpop") != "" {
			t.Errorf("asked %s with %v", r.RequestURI, r.Header)
		}
	default:
		t.Fatal("the origin was not asked")
	}
	if open.Load() != 1 {
		t.Fatalf("%d connections to the origin are open", open.Load())
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Fatal("the connection to the origin stays open")
	}
}

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// shop is an API whose orders count on their customers. What it was asked by
// GET, and by whom, it remembers.
type shop struct {
	mu     sync.Mutex
	orders map[string]int // of each customer
	asked  []string
	denied bool // nobody but the service may ask
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Method == http.MethodGet:
		id := strings.TrimPrefix(r.URL.Path, "/customers/")
		s.asked = append(s.asked, id+" as "+r.Header.Get("Authorization"))
		if s.denied && r.Header.Get("Authorization") != "service" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, `{"id":%q,"orders":%d,"name":"Ann","city":"Oslo","zip":"0150"}`, id, s.orders[id])
	case r.Method == http.MethodPost:
		s.orders["7"]++
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"id":"o-%d","customer_id":"7","total":10,"a":1,"b":2}`, s.orders["7"])
	default:
		fmt.Fprintf(w, `{"id":"7","orders":%d,"name":"Ann","city":"Oslo","zip":"0150"}`, s.orders["7"])
	}
}

func (s *shop) whoAsked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.asked, ", ")
}

const refreshing = `
		resource customer /customers
		resource order /orders {
			refresh customer after.customer_id
		}`

// A change of one entity shows in another: a GET as the caller tells, and what
// differs is an event that names its cause.
func TestARefreshTellsOfAnotherEntity(t *testing.T) {
	api := &shop{orders: map[string]int{}}
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes customer.**"), refreshing, serve(t, api).URL))
	p.call("PATCH", "/customers/7", `{}`, "Authorization", "ann")
	until(t, "the customer is known", p.settled)
	p.call("POST", "/orders", `{"customer_id":"7"}`, "Authorization", "ann")
	got := crm.wait(2)
	wantScopes(t, got, "customer.updated", "customer.updated")
	wantField(t, got[1].Body.Data, "orders", "1")
	wantField(t, got[1].Body.Previous, "orders", "0")
	if who := api.whoAsked(); who != "7 as ann" {
		t.Errorf("the API was asked for %s, want 7 as ann, once", who)
	}
	cause := p.lastCall("/orders")
	wantText(t, p.explained(got[1].ID), `(?s)^GET /customers/7 answered 200\n.*because of exchange `+cause+`\n.*customer/7: updated\n.*fetch, observed: a GET showed it, because of `+cause)
	wantText(t, p.explained(cause), "It refreshes customer/7: GET /customers/7\n")
	var events []struct{ Cause string }
	p.get("/sidehook/events?scope=customer.updated", &events)
	if events[0].Cause != cause || events[1].Cause != "" {
		t.Errorf("the causes are %+v, want %s and none", events, cause)
	}
}

// Credentials that are good for one request only are not used again: then the
// origin is asked, or nobody, which is counted.
func TestARefreshWithoutACaller(t *testing.T) {
	const bound = "Signature keyId=1"
	for name, c := range map[string]struct{ origin, want string }{
		"the service asks": {"\n\t\torigin %s\n\t\tcredential Authorization service", "7 as service"},
		"nobody may ask":   {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			api := &shop{orders: map[string]int{}, denied: true}
			at := serve(t, api).URL
			origin := ""
			if c.origin != "" {
				origin = fmt.Sprintf(c.origin, at)
			}
			p := start(t, caddyfile("\t\t# nobody subscribes", origin+refreshing, at))
			p.call("POST", "/orders", `{"customer_id":"7"}`, "Authorization", bound)
			until(t, "all is derived", func() bool {
				text := p.metrics()
				return strings.Contains(text, `sidehook_not_refreshed_total{api="default"} 1`) || strings.Contains(text, `sidehook_fetches_total{kind="refresh",outcome="ok"} 1`)
			})
			if who := api.whoAsked(); who != c.want {
				t.Errorf("the API was asked for %q, want %q", who, c.want)
			}
			const told = "an entity is not refreshed"
			if c.want == "" {
				until(t, "the log tells so", func() bool { return strings.Contains(p.log.String(), told) })
			} else if strings.Contains(p.log.String(), told) {
				t.Error("the log tells something else")
			}
		})
	}
}

// The process dies while it asks for an entity that a call changed too: the next one
// asks, as the service.
func TestARefreshUnderWayAtACrashIsMade(t *testing.T) {
	api := &shop{orders: map[string]int{}}
	asked, release := make(chan struct{}, 8), make(chan struct{})
	defer close(release)
	at := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.Header.Get("Authorization") != "service" {
			asked <- struct{}{}
			<-release
			return
		}
		api.ServeHTTP(w, r)
	})).URL
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes customer.** customer.gap"),
		"\t\tfetch 20s 4\n\t\torigin "+at+"\n\t\tcredential Authorization service"+refreshing, at))
	p.call("PATCH", "/customers/7", `{}`, "Authorization", "ann")
	crm.wait(1)
	p.call("POST", "/orders", `{"customer_id":"7"}`, "Authorization", "ann")
	<-asked
	p.kill()
	p.start()
	got := crm.distinct(2)
	wantScopes(t, got, "customer.updated", "customer.updated")
	wantField(t, got[1].Body.Data, "orders", "1")
	wantField(t, got[1].Body.Previous, "orders", "0")
}

package e2e

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// strict is the block of an API whose callers may reach the public Internet only.
const strict = `
			owner request.header["X-User"]
			tenant request.header["X-Space"]`

// lastError returns what the newest attempt for a subscription came to, "" if
// there is none.
func (u user) lastError(sub string) string {
	u.p.t.Helper()
	for _, d := range u.do("GET", "/deliveries?limit=1&subscription="+sub, "").want(200).data() {
		attempts := u.do("GET", "/deliveries/"+d["id"].(string)+"/attempts", "").want(200).data()
		for _, a := range attempts {
			if text, ok := a["error"].(string); ok {
				return text
			}
		}
	}
	return ""
}

// A name may lead to the public Internet when a subscription is made, and to us
// when it is delivered to. However it does, nobody is reached who is private.
func TestANameThatLeadsElsewhereLater(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	inner := receive(t, nil)
	_, port, _ := net.SplitHostPort(inner.Listener.Addr().String())
	names := startNameServer(t)
	p := start(t, withAPI("\t\tegress {\n\t\t\tresolvers "+names.addr+"\n\t\t}", strict, api.URL))
	ann := p.user("ann", "acme")
	subscribe := func(host string) answer {
		return ann.do("POST", "/subscriptions", fmt.Sprintf(`{"url": "https://%s:%s/hook", "scopes": ["project.**"], "retry": ["1s"]}`, host, port))
	}
	now := map[string][]string{
		"private.example.com": {"10.0.0.7"},
		"mixed.example.com":   {"93.184.216.34", "192.168.0.1"},
		"six.example.com":     {"93.184.216.34", "fd00::7"},
		"other.example.com":   {"private.example.com"},
		"mapped.example.com":  {"64:ff9b::7f00:1"},
		"metadata.example.com": {
			"93.184.216.34", "93.184.216.35", "93.184.216.36", "93.184.216.37", "93.184.216.38", "93.184.216.39", "169.254.169.254",
		},
	}
	for name, to := range now {
		names.lead(name, to...)
	}
	for name, to := range now {
		if got := subscribe(name); got.status != 422 || !strings.Contains(got.raw, "/url") || strings.Contains(got.raw, to[len(to)-1]) {
			t.Errorf("%s: %d %s", name, got.status, got.raw)
		}
	}
	later := map[string][]string{
		"rebound.example.com": {"127.0.0.1"},
		"many.example.com":    {"127.0.0.1", "10.0.0.1", "::1", "fd00::1", "169.254.169.254", "192.168.1.1", "127.0.0.2"},
		"alias.example.com":   {"rebound.example.com"},
		"nothing.example.com": {"0.0.0.0"},
		"dressed.example.com": {"64:ff9b::7f00:1", "::ffff:0:7f00:1", "2002:7f00:1::"},
	}
	ids := map[string]string{}
	for name := range later {
		names.lead(name, "93.184.216.34")
		ids[name] = subscribe(name).want(201).text("id")
	}
	for name, to := range later {
		names.lead(name, to...)
	}
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	for name, id := range ids {
		until(t, name+" is given up", func() bool {
			return len(ann.do("GET", "/deliveries?state=exhausted&subscription="+id, "").want(200).data()) == 1
		})
		if why := ann.lastError(id); !strings.Contains(why, "private or special") || strings.Contains(why, "127.0.0") {
			t.Errorf("%s: %q", name, why)
		}
	}
	if n := len(inner.all()); n > 0 {
		t.Errorf("%d requests came to a private address", n)
	}
}

// Through a proxy, a caller of the API reaches public addresses only, by the
// address that was looked at; the operator's own are asked for by name. The
// receiver shows the company's certificate and wants ours.
func TestEgressThroughAProxy(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	ca := newAuthority(t)
	ca.pair("client")
	mine := receive(t, nil)
	names, inner := startNameServer(t), receive(t, nil)
	proxy := startForward(t, ca.secured(mine, "hooks.example.com", "hooks.internal"))
	egress := fmt.Sprintf(`
		egress {
			proxy {env.PROXY}
			resolvers %s
			trusted_ca %s
			client_certificate %s %s
		}`, names.addr, ca.path("ca.pem"), ca.path("client.pem"), ca.path("client.key"))
	static := fmt.Sprintf(`
		subscription own https://hooks.internal/hook {
			scopes project.**
			secret %s
			retry 100ms
		}
		subscription straight %s {
			scopes project.**
			secret %s
			egress {
				proxy none
			}
		}`, secret, inner.URL, secret)
	p := prepare(t, withAPI(egress+static, strict, api.URL))
	p.env = append(p.env, "PROXY=http://sidehook:hunter2@"+proxy.Listener.Addr().String(), "HTTPS_PROXY=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1")
	p.start()
	names.lead("hooks.example.com", "93.184.216.34")
	ann := p.user("ann", "acme")
	id := ann.do("POST", "/subscriptions", fmt.Sprintf(`{"url": "https://hooks.example.com/hook", "scopes": ["project.**"], "secret": %q, "retry": "none"}`, secret)).want(201).text("id")
	post := func() { p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme") }
	post()
	mine.wait(2)
	inner.wait(1)
	got := strings.Join(proxy.got(), ", ")
	if len(proxy.got()) != 2 || !strings.Contains(got, "CONNECT 93.184.216.34:443") || !strings.Contains(got, "CONNECT hooks.internal:443") {
		t.Errorf("the proxy was asked for %s", got)
	}
	for _, h := range proxy.header {
		if h.Get("Proxy-Authorization") != "Basic c2lkZWhvb2s6aHVudGVyMg==" {
			t.Errorf("the proxy was asked with %v", h)
		}
	}

	names.lead("hooks.example.com", "10.0.0.7")
	post()
	until(t, "it is refused", func() bool { return strings.Contains(ann.lastError(id), "private or special") })
	mine.wait(3) // the operator's own
	if got := strings.Join(proxy.got(), ", "); strings.Contains(got, "10.0.0.7") || strings.Count(got, "CONNECT") != 3 {
		t.Errorf("the proxy was asked for %s", got)
	}

	names.lead("hooks.example.com", "93.184.216.34")
	mine.respond(func(a *arrival) int { return http.StatusFound })
	post()
	until(t, "a redirect is refused", func() bool { return strings.Contains(ann.lastError(id), "answered 302") || mineStatus(ann, id) == 302 })

	proxy.answers(http.StatusForbidden)
	post()
	until(t, "the proxy refuses", func() bool {
		return strings.Contains(ann.lastError(id), "connect to hooks.example.com: the proxy answered 403 to CONNECT")
	})
	proxy.answers(http.StatusProxyAuthRequired)
	post()
	until(t, "the proxy wants to know who asks", func() bool { return strings.Contains(ann.lastError(id), "the proxy wants another user or password") })
	proxy.Close()
	post()
	until(t, "there is no proxy", func() bool {
		return strings.Contains(ann.lastError(id), "the proxy could not be reached: connection refused")
	})
	if strings.Contains(p.log.String(), "hunter2") || strings.Contains(ann.do("GET", "/deliveries?limit=200", "").raw, "hunter2") {
		t.Error("the proxy's password is told")
	}
}

// mineStatus returns the status of the newest attempt for a subscription.
func mineStatus(u user, sub string) int {
	for _, d := range u.do("GET", "/deliveries?limit=1&subscription="+sub, "").want(200).data() {
		for _, a := range u.do("GET", "/deliveries/"+d["id"].(string)+"/attempts", "").want(200).data() {
			if status, ok := a["status"].(float64); ok {
				return int(status)
			}
		}
	}
	return 0
}

// A receiver moves to another host while it is owed something, and another proxy takes
// the place of the one there was: what is owed goes to where it is now, by the new
// proxy, with the id that it had.
func TestAReceiverMovesBehindAnotherProxy(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	ca := newAuthority(t)
	ca.pair("client")
	before, after, names := receive(t, status(503)), receive(t, nil), startNameServer(t)
	proxies := []*forward{startForward(t, ca.secured(before, "old.example.com")), startForward(t, ca.secured(after, "new.example.com"))}
	config := func(proxy *forward) string {
		return withAPI(fmt.Sprintf(`
		egress {
			proxy %s
			resolvers %s
			trusted_ca %s
			client_certificate %s %s
		}`, proxy.URL, names.addr, ca.path("ca.pem"), ca.path("client.pem"), ca.path("client.key")), strict, api.URL)
	}
	names.lead("old.example.com", "93.184.216.34")
	names.lead("new.example.com", "93.184.216.35")
	p := start(t, config(proxies[0]))
	ann := p.user("ann", "acme")
	path := "/subscriptions/" + ann.do("POST", "/subscriptions", fmt.Sprintf(
		`{"url": "https://old.example.com/hook", "scopes": ["project.**"], "secret": %q, "retry": ["2s", "2s", "2s", "2s", "2s", "2s", "2s", "2s", "2s"]}`, secret)).want(201).text("id")
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	until(t, "it was tried where the receiver was", func() bool { return len(before.all()) > 0 })
	p.configure(config(proxies[1]))
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	ann.do("PATCH", path, `{"url": "https://new.example.com/hook"}`).want(200)
	if got := after.wait(1)[0]; got.ID != before.all()[0].ID {
		t.Errorf("it came as %s, and was tried as %s", got.ID, before.all()[0].ID)
	}
	for _, at := range proxies[0].got() {
		if at != "CONNECT 93.184.216.34:443" {
			t.Errorf("the old proxy was asked for %s", at)
		}
	}
	if got := proxies[1].got(); got[len(got)-1] != "CONNECT 93.184.216.35:443" {
		t.Errorf("the new proxy was asked for %s", got)
	}
}

// A receiver inside the company is reached straight, with its authority; a reload
// without that does not trust it any more.
func TestTrustedAuthorityOfASubscription(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	ca := newAuthority(t)
	ca.pair("client")
	mine := receive(t, nil)
	names := startNameServer(t)
	names.lead("hooks.internal", "127.0.0.1")
	_, port, _ := net.SplitHostPort(ca.secured(mine, "hooks.internal"))
	with := func(authority string) string {
		return caddyfile(fmt.Sprintf(`
		egress {
			resolvers %s
		}
		subscription own https://hooks.internal:%s/hook {
			scopes project.**
			secret %s
			retry none
			egress {
				%s
				client_certificate %s %s
			}
		}`, names.addr, port, secret, authority, ca.path("client.pem"), ca.path("client.key")), projects, api.URL)
	}
	p := start(t, with("trusted_ca "+ca.path("ca.pem")))
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	mine.wait(1)
	p.configure(with(""))
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	until(t, "it is not trusted", func() bool {
		return strings.Contains(p.log.String(), "signed by an authority that is not trusted here")
	})
}

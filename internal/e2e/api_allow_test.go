package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// withAPIs is [withAPI] with a second one at /other/, whose block has more.
func withAPIs(more, api string) string {
	return strings.Replace(withAPI("", perSpace, api), "\thandle {\n", `	handle_path /other/* {
		sidehook_api {
`+perSpace+"\n"+more+`
		}
	}
	handle {
`, 1)
}

// other makes a call of the second API.
func (u user) other(method, path, body string) answer {
	u.p.t.Helper()
	return callAPI(u.p.t, method, u.p.site+"/other"+path, body, u.header...)
}

// A caller has 100 subscriptions at most, or what max_subscriptions says; another
// caller's do not count.
func TestACallerHasAsManySubscriptionsAsItMay(t *testing.T) {
	text := withAPIs("\t\t\tmax_subscriptions none", crudAPI(t, crud.Options{}).URL)
	p := start(t, text)
	ann := p.user("ann", "acme")
	const body = `{"url": "https://a.example.com/", "scopes": ["project.**"]}`
	for range 100 {
		ann.do("POST", "/subscriptions", body).want(201)
	}
	if a := ann.do("POST", "/subscriptions", body).want(409); !strings.Contains(a.raw, "you have 100 subscriptions, as many as you may") {
		t.Error(a.raw)
	}
	id := ann.other("POST", "/subscriptions", body).want(201).text("id")
	p.user("bob", "acme").do("POST", "/subscriptions", body).want(201)

	p.configure(strings.Replace(text, "max_subscriptions none", "max_subscriptions 101", 1))
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	ann.other("POST", "/subscriptions", body).want(409)
	ann.other("DELETE", "/subscriptions/"+id, "").want(204)
	ann.other("POST", "/subscriptions", body).want(201)
}

// Only where the operator allows it may a caller say that the certificate of its
// receiver does not matter; elsewhere it is told so, and the certificate counts.
func TestACallerMayTrustAnyCertificateWhereTheOperatorAllowsIt(t *testing.T) {
	came := make(chan string, 10)
	r := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { came <- r.URL.Path }))
	defer r.Close()
	p := start(t, withAPIs("\t\t\tallow_insecure_skip_verify", crudAPI(t, crud.Options{}).URL))
	ann := p.user("ann", "acme")
	body := func(path, more string) string {
		return fmt.Sprintf(`{"url": %q, "scopes": ["project.**"], "retry": "none"%s}`, r.URL+path, more)
	}
	if a := ann.do("POST", "/subscriptions", body("/", `, "insecure_skip_verify": true`)).want(422); !holdsProblem(a, "/insecure_skip_verify", "the certificate of each receiver is verified") {
		t.Error(a.raw)
	}
	strict := ann.do("POST", "/subscriptions", body("/strict", `, "insecure_skip_verify": false`)).want(201).text("id")
	ann.do("PATCH", "/subscriptions/"+strict, `{"insecure_skip_verify": true}`).want(422)
	loose := ann.other("POST", "/subscriptions", body("/loose", `, "insecure_skip_verify": true`)).want(201)
	if loose.fields["insecure_skip_verify"] != true {
		t.Errorf("it shows %s", loose.raw)
	}
	outcome := func(id string) string {
		t.Helper()
		until(t, "all is settled", p.settled)
		return ann.do("GET", "/deliveries?subscription="+id, "").want(200).data()[0]["state"].(string)
	}
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	if a, b := outcome(strict), outcome(loose.text("id")); a != "exhausted" || b != "delivered" || <-came != "/loose" {
		t.Errorf("the strict one is %s, the loose one %s", a, b)
	}

	// A change keeps it, for the same receiver; another receiver's certificate
	// counts again, unless who changes it may say otherwise.
	id, mine := loose.text("id"), func(method, path, body string) answer { return ann.do(method, path, body) }
	for _, c := range []struct {
		do    func(method, path, body string) answer
		patch string
		want  any
	}{
		{mine, `{"timeout": "5s"}`, true},
		{ann.other, fmt.Sprintf(`{"url": %q}`, r.URL+"/moved"), true},
		{mine, fmt.Sprintf(`{"url": %q}`, r.URL+"/away"), nil},
		{ann.other, `{"insecure_skip_verify": true}`, true},
		{mine, `{"insecure_skip_verify": false}`, nil},
	} {
		if a := c.do("PATCH", "/subscriptions/"+id, c.patch).want(200); a.fields["insecure_skip_verify"] != c.want {
			t.Errorf("after %s: %v, want %v", c.patch, a.fields["insecure_skip_verify"], c.want)
		}
	}
}

// What the operator has let be at a private address stays there through its owner's
// changes, and its owner leads it to no other one.
func TestACallersNewURLIsPublic(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r := receive(t, nil)
	p := start(t, withAPI("", strings.Replace(perSpace, "allow_private", "", 1), api.URL))
	ann := p.user("ann", "acme")
	at := "/subscriptions/" + p.operate("POST", "/subscriptions", subscription(r, `, "owner": "ann", "tenant": "acme", "allow_private": true`)).want(201).text("id")
	ann.do("PATCH", at, `{"pause_after": 7}`).want(200)
	for _, url := range []string{r.URL + "/elsewhere", "https://10.0.0.1/hooks", "https://localhost/hooks"} {
		if a := ann.do("PATCH", at, fmt.Sprintf(`{"url": %q}`, url)).want(422); !holdsProblem(a, "/url", "") {
			t.Errorf("%s: %s", url, a.raw)
		}
	}
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	r.wait(1)
	p.operate("PATCH", at, fmt.Sprintf(`{"url": %q, "allow_private": true}`, r.URL+"/moved")).want(200)
	until(t, "all is settled", p.settled)
}

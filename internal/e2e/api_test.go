package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/sidehook/sidehook/examples/crud"
)

// withAPI returns a configuration with the subscription API under /webhooks,
// with further lines in its block, beside those of the global option's block.
func withAPI(global, block, api string) string {
	return fmt.Sprintf(`{
	admin {ADMIN}
	sidehook {
		store badger {DATA}
%s
	}
}
{SITE} {
	handle_path /webhooks/* {
		sidehook_api {
%s
		}
	}
	handle {
		sidehook {
			tenant request.header["X-Space"]
			resource project /api/projects
		}
		reverse_proxy %s
	}
}
`, global, block, api)
}

// perSpace is the block of an API whose callers are told by headers, and whose
// receivers may be on this machine.
const perSpace = `
			owner request.header["X-User"]
			tenant request.header["X-Space"]
			allow_private`

// answer is what the subscription API said.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	raw    string
	fields map[string]any
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.raw)
	}
	return a
}

func (a answer) text(name string) string {
	text, _ := a.fields[name].(string)
	return text
}

// data returns the objects of a list.
func (a answer) data() (list []map[string]any) {
	for _, v := range a.fields["data"].([]any) {
		list = append(list, v.(map[string]any))
	}
	return list
}

// user is a caller of the subscription API.
type user struct {
	p      *process
	header []string
}

func (u user) do(method, path, body string, header ...string) answer {
	u.p.t.Helper()
	return callAPI(u.p.t, method, u.p.site+"/webhooks"+path, body, append(header, u.header...)...)
}

func (p *process) user(name, space string) user {
	return user{p, []string{"X-User", name, "X-Space", space}}
}

// operate calls the API under the admin endpoint.
func (p *process) operate(method, path, body string, header ...string) answer {
	p.t.Helper()
	return callAPI(p.t, method, "http://"+p.admin+"/sidehook/api"+path, body, header...)
}

func callAPI(t *testing.T, method, url, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	setHeaders(req, body, header)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{t: t, status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &a.fields); err != nil {
			t.Fatalf("%s %s: %v: %s", method, url, err, raw)
		}
	}
	held(t, method, url, body, header, a)
	return a
}

// subscription is the body that subscribes r, with its known secret.
func subscription(r *receiver, more string) string {
	return fmt.Sprintf(`{"url": %q, "scopes": ["project.**"], "secret": %q%s}`, r.URL, secret, more)
}

// What customers make by themselves lives as long as they want it to: through
// reloads and restarts, until it is deleted.
func TestSubscribingThroughTheAPI(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	mine := receive(t, nil)
	p := prepare(t, withAPI("\t\tencryption_key {env.SIDEHOOK_KEY}", perSpace, api.URL))
	p.env = append(p.env, "SIDEHOOK_KEY=a key of at least twenty-four bytes")
	p.start()
	ann := p.user("ann", "acme")
	made := ann.do("POST", "/subscriptions", subscription(mine, "")).want(201)
	id := made.text("id")
	if made.text("secret") != secret || made.header.Get("Location") != "/webhooks/subscriptions/"+id {
		t.Errorf("made %s, at %q", made.raw, made.header.Get("Location"))
	}
	post := func(name, space string) {
		p.call("POST", "/api/projects", fmt.Sprintf(`{"name":%q}`, name), "X-Space", space)
	}
	post("at once", "acme")
	mine.wait(1)
	post("of others", "other")
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	post("after a reload", "acme")
	mine.wait(2)
	until(t, "all is settled", p.settled)
	p.kill()
	p.start()
	post("after a restart", "acme")
	got := mine.wait(3)
	until(t, "all is settled", p.settled)
	for i, want := range []string{"at once", "after a reload", "after a restart"} {
		wantField(t, got[i].Body.Data, "name", fmt.Sprintf("%q", want))
	}
	ann.do("DELETE", "/subscriptions/"+id, "").want(204)
	post("after it was deleted", "acme")
	until(t, "all is settled", p.settled)
	if n := len(mine.all()); n != 3 {
		t.Errorf("%d webhooks came, want 3", n)
	}
	ann.do("GET", "/subscriptions/"+id, "").want(404)
}

// What a deleted subscription is owed is cancelled, not kept and not sent.
func TestWhatADeletedSubscriptionIsOwedIsCancelled(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	down, holding := receive(t, status(503)), receive(t, status(503))
	p := start(t, withAPI("", perSpace, api.URL))
	ann := p.user("ann", "acme")
	id := ann.do("POST", "/subscriptions", subscription(down, `, "retry": ["1h"]`)).want(201).text("id")
	holds := ann.do("POST", "/subscriptions", subscription(holding, `, "retry": "none", "order": "entity hold"`)).want(201).text("id")
	for range 5 {
		p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	}
	until(t, "attempts were made", func() bool { return len(down.all()) == 5 })
	until(t, "they are owed", func() bool {
		return ann.do("GET", "/subscriptions/"+id, "").want(200).fields["pending"] == 5.0
	})
	until(t, "others are held", func() bool { return len(ann.do("GET", "/deliveries?state=held", "").data()) == 5 })
	ann.do("DELETE", "/subscriptions/"+id, "").want(204)
	ann.do("DELETE", "/subscriptions/"+holds, "").want(204)
	until(t, "those that were held are cancelled", func() bool {
		return len(p.operate("GET", "/deliveries?state=cancelled&subscription="+holds, "").want(200).data()) == 5
	})
	until(t, "they are cancelled", func() bool {
		return len(p.operate("GET", "/deliveries?state=cancelled&subscription="+id, "").want(200).data()) == 5
	})
	until(t, "nothing is owed", p.settled)
	d := p.operate("GET", "/deliveries?state=cancelled&subscription="+id, "").data()[0]["id"].(string)
	p.operate("POST", "/deliveries/"+d+"/retry", "").want(409)
	p.kill()
	p.start()
	if list := p.operate("GET", "/subscriptions", "").want(200).data(); len(list) > 0 {
		t.Errorf("a deleted subscription came back: %v", list)
	}
}

// While a secret is being replaced, both sign; without grace the old one does not.
func TestRotatingASecret(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r := receive(t, nil) // verifies with the first secret
	p := start(t, withAPI("", perSpace, api.URL))
	ann := p.user("ann", "acme")
	id := ann.do("POST", "/subscriptions", subscription(r, "")).want(201).text("id")
	fresh := ann.do("POST", "/subscriptions/"+id+"/rotate", `{"grace": "1h"}`).want(200).text("secret")
	wh, err := standardwebhooks.NewWebhook(fresh)
	if err != nil {
		t.Fatal(err)
	}
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	r.wait(1)
	until(t, "it is settled", p.settled)
	d := ann.do("GET", "/deliveries?subscription="+id, "").want(200).data()[0]["id"].(string)
	sent := ann.do("GET", "/deliveries/"+d+"/attempts", "").want(200).data()[0]["sent"].(map[string]any)
	h := http.Header{}
	for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		h.Set(name, sent[name].([]any)[0].(string))
	}
	if err := wh.Verify([]byte(r.took()[0].Raw), h); err != nil {
		t.Errorf("the new secret: %v", err)
	}
	if n := strings.Count(h.Get("Webhook-Signature"), "v1,"); n != 2 {
		t.Errorf("%d signatures, want 2", n)
	}
	now := ann.do("POST", "/subscriptions/"+id+"/rotate", `{"grace": "0s"}`).want(200)
	if n := len(now.fields["secrets"].([]any)); n != 1 {
		t.Errorf("%d secrets sign after a rotation without grace", n)
	}
	ann.do("POST", "/subscriptions/"+id+"/rotate", `{"grace": "8d"}`).want(422)
}

// A rotation is made once for a key, and its repeat gets the same answer, until the
// next one: from then on without the secret.
func TestARepeatedRotationMakesNoSecondSecret(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r := receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	ann, bob := p.user("ann", "acme"), p.user("bob", "acme")
	made := ann.do("POST", "/subscriptions", subscription(r, "")).want(201)
	id := made.text("id")
	rotate := func(u user, body, key string, header ...string) answer {
		return u.do("POST", "/subscriptions/"+id+"/rotate", body, append(header, "Idempotency-Key", key)...)
	}
	first := rotate(ann, `{"grace": "1h"}`, "one", "If-Match", made.header.Get("ETag")).want(200)
	p.stop()
	p.start()
	again := rotate(ann, `{"grace": "1h"}`, "one", "If-Match", made.header.Get("ETag")).want(200)
	if again.raw != first.raw || again.header.Get("Idempotent-Replayed") != "true" || first.text("secret") == "" {
		t.Errorf("again it is %s, and was %s", again.raw, first.raw)
	}
	rotate(ann, `{"grace": "2h"}`, "one").want(422)
	rotate(bob, `{"grace": "1h"}`, "one").want(404)
	second := rotate(ann, `{"grace": "1h"}`, "two").want(200)
	if second.text("secret") == first.text("secret") || second.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("another key: %s", second.raw)
	}
	late := rotate(ann, `{"grace": "1h"}`, "one").want(200)
	if late.text("secret") != "" || late.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("a repeat after the next rotation: %s", late.raw)
	}
	ann.do("POST", "/subscriptions/"+id+"/rotate", "").want(200)
	if got := rotate(ann, `{"grace": "1h"}`, "two").want(200); got.text("secret") != "" {
		t.Errorf("a repeat after a rotation without a key: %s", got.raw)
	}
	ann.do("PATCH", "/subscriptions/"+id, `{"sign": {"scheme": "ed25519"}}`).want(200)
	if got := rotate(ann, `{"grace": "1h"}`, "two").want(200); got.text("secret") != "" {
		t.Errorf("a repeat after another kind of secret: %s", got.raw)
	}
	create := func() answer {
		return ann.do("POST", "/subscriptions", subscription(r, ""), "Idempotency-Key", "made").want(201)
	}
	keyed := create().text("id")
	ann.do("POST", "/subscriptions/"+keyed+"/rotate", "").want(200)
	if got := create(); got.text("id") != keyed || got.text("secret") != "" || got.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("a repeat of the creation after a rotation: %s", got.raw)
	}
}

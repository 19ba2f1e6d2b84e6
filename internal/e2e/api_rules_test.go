package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// Each caller has its own; nobody sees or changes what is another's, and events
// are those of the caller's tenant.
func TestCallersOfTheAPIAreKeptApart(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	anns, bobs, operators := receive(t, nil), receive(t, nil), receive(t, nil)
	p := start(t, withAPI(subscribe("crm", operators, "scopes project.**"), perSpace, api.URL))
	ann, bob, colleague := p.user("ann", "acme"), p.user("bob", "other"), p.user("cid", "acme")
	id := ann.do("POST", "/subscriptions", subscription(anns, "")).want(201).text("id")
	theirs := bob.do("POST", "/subscriptions", subscription(bobs, "")).want(201).text("id")
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	p.call("POST", "/api/projects", `{"name":"Hall"}`, "X-Space", "other")
	operators.wait(2)
	anns.wait(1)
	bobs.wait(1)
	until(t, "all is settled", p.settled)
	if len(anns.all()) != 1 || len(bobs.all()) != 1 {
		t.Errorf("%d and %d webhooks, want one each", len(anns.all()), len(bobs.all()))
	}
	for _, other := range []user{bob, colleague} {
		for _, call := range [][3]string{
			{"GET", "", ""}, {"PATCH", "", `{"pause_after": 1}`}, {"DELETE", "", ""}, {"POST", "/pause", ""},
			{"POST", "/rotate", ""}, {"POST", "/test", ""},
		} {
			other.do(call[0], "/subscriptions/"+id+call[1], call[2]).want(404)
		}
		other.do("GET", "/deliveries?subscription="+id, "").want(404)
	}
	ann.do("GET", "/subscriptions/crm", "").want(404)
	for who, want := range map[*user]int{&ann: 1, &bob: 1, &colleague: 0} {
		if n := len(who.do("GET", "/subscriptions", "").want(200).data()); n != want {
			t.Errorf("%v sees %d subscriptions, want %d", who.header, n, want)
		}
		if n := len(who.do("GET", "/deliveries", "").want(200).data()); n != want {
			t.Errorf("%v sees %d deliveries, want %d", who.header, n, want)
		}
	}
	events := ann.do("GET", "/events", "").want(200).data()
	if len(events) != 1 || events[0]["tenant"] != "acme" {
		t.Errorf("ann sees %v", events)
	}
	bob.do("GET", "/events/"+events[0]["id"].(string), "").want(404)
	bob.do("GET", "/deliveries/"+ann.do("GET", "/deliveries", "").data()[0]["id"].(string), "").want(404)
	if n := len(p.operate("GET", "/subscriptions", "").want(200).data()); n != 3 {
		t.Errorf("the operator sees %d subscriptions", n)
	}
	p.operate("DELETE", "/subscriptions/crm", "").want(409)
	p.operate("PATCH", "/subscriptions/crm", `{"pause_after": 1}`).want(409)
	if a := p.operate("POST", "/subscriptions/crm/test", "").want(409); !strings.Contains(a.raw, "sidehook trigger SCOPE --subscription crm") {
		t.Errorf("how a subscription of the configuration is tested: %s", a.raw)
	}
	p.operate("GET", "/subscriptions/"+theirs, "").want(200)
}

// Nobody is served who is not known, and no browser is led into calling.
func TestTheAPIRefusesStrangers(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	p := start(t, withAPI("", perSpace, api.URL))
	user{p, []string{"X-Space", "acme"}}.do("GET", "/subscriptions", "").want(401)
	user{p, []string{"X-User", "ann"}}.do("GET", "/subscriptions", "").want(403)
	p.user("ann", "*").do("GET", "/subscriptions", "").want(403)
	ann := p.user("ann", "acme")
	ann.do("GET", "/subscriptions", "").want(200)
	ann.do("GET", "/subscriptions", "", "Origin", "https://evil.example.com").want(403)
	ann.do("GET", "/subscriptions", "", "Sec-Fetch-Site", "cross-site").want(403)
	ann.do("POST", "/subscriptions", "url=https://a.example.com", "Content-Type", "application/x-www-form-urlencoded").want(415)
	ann.do("POST", "/subscriptions", "["+strings.Repeat(" ", 70_000)+"]").want(413)
	ann.do("PUT", "/subscriptions", "{}").want(405)
	ann.do("GET", "/nothing", "").want(404)

	p.configure(withAPI("", "", api.URL))
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	if a := ann.do("GET", "/subscriptions", "").want(401); !strings.Contains(a.text("detail"), "allow_unauthenticated") {
		t.Errorf("it does not say what to do: %s", a.raw)
	}
	p.configure(withAPI("", "\t\t\tallow_unauthenticated", api.URL))
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	ann.do("GET", "/subscriptions", "").want(200)
	ann.do("POST", "/subscriptions", `{"url": "http://127.0.0.1:1/", "scopes": ["project.**"]}`).want(422)
}

// A problem names the field and says what to write; all that is wrong is told at
// once.
func TestProblemsOfSubscribing(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	p := start(t, withAPI("", `
			owner request.header["X-User"]
			tenant request.header["X-Space"]`, api.URL))
	ann := p.user("ann", "acme")
	t.Run("bodies", func(t *testing.T) { problemsOfBodies(t, ann) })
	t.Run("hosts", func(t *testing.T) { problemsOfHosts(t, ann) })
	t.Run("filters", func(t *testing.T) { problemsOfFilters(t, ann) })
	t.Run("changes", func(t *testing.T) { problemsOfChanges(t, ann) })
	t.Run("queries", func(t *testing.T) { problemsOfQueries(t, ann) })
}

// subscribing is the body of a subscription that is right, with room for what is not.
const subscribing = `{"url": "https://a.example.com/", "scopes": ["project.**"]%s}`

func problemsOfBodies(t *testing.T, ann user) {
	bodies := map[string][2]string{
		`{"scopes": ["project.**"]}`:                                        {"/url", "url is missing: write where its webhooks go"},
		`{"url": "https://a.example.com/"}`:                                 {"/scopes", `scopes is missing: write which events it gets, like ["project.**"]`},
		`{"url": "https://a.example.com/", "scopes": "project.**"}`:         {"/scopes", "scopes: this is a string: write a list"},
		`{"url": "https://a.example.com/", "scopes": ["projet.**"]}`:        {"/scopes/0", "no rule earns projet.**: did you mean project.**?"},
		`{"url": "https://u:p@a.example.com/", "scopes": ["project.**"]}`:   {"/url", `leave out user and password; write them in headers, like [{"name": "Authorization"`},
		`{"url": "https://a.example.com:99999/", "scopes": ["project.**"]}`: {"/url", "port 99999 is none; write one from 1 to 65535"},
		`{"url": "https://a.example.com:0/", "scopes": ["project.**"]}`:     {"/url", "port 0 is none"},
		`{"url": "http://a.example.com/", "scopes": ["project.**"]}`:        {"/url", "begin it with https://"},
	}
	for fields, want := range map[string][2]string{
		`"chunk": {"size": 5000}`:                {"/chunk/size", "chunk of 5000: write how many"},
		`"fields": ["entity.id"]`:                {"/fields", "paths begin inside the entity: write id"},
		`"filtre": ""`:                           {"/filtre", "there is no field filtre: did you mean filter?"},
		`"filter": "entty == 1"`:                 {"/filter", "entty"},
		`"timeout": "10"`:                        {"/timeout", "write a number and a unit"},
		`"timeout": 10`:                          {"/timeout", `has no unit: write it as a text, like "10s"`},
		`"retry": [5]`:                           {"/retry", `has no unit`},
		`"retry": ["5s", "999ms"]`:               {"/retry", `retry: wait 2 of 2 is 999ms: write 1s at least, like ["5s", "5m"]`},
		`"for": {"project": {"retry": ["1ns"]}}`: {"/for/project/retry", `retry: wait 1 of 1 is 1ns: write 1s at least`},
		`"concurrency": -1`:                      {"/concurrency", "write a number from 1"},
		`"order": "fifo"`:                        {"/order", "write none, entity"},
		`"payload": "albi"`:                      {"/payload", "write standard"},
		`"secret": "short"`:                      {"/secret", "at least 24 bytes"},
		`"allow_private": true`:                  {"/allow_private", "cannot be set here"},
		`"rate": 50`:                             {"/rate", `this is a number: write a text, like "50/s"`},
		`"chunk": 100`:                           {"/chunk", `write an object, like {"size": 100, "delay": "5m"}`},
		`"sign": "hmac"`:                         {"/sign", `write an object, like {"scheme": "standard"}`},
		`"owner": "bob"`:                         {"/owner", "cannot be set here"},
		`"tenant": "other"`:                      {"/tenant", "cannot be set here"},
		`"sign": {"schem": "none"}`:              {"/sign/schem", "schem"},
		`"retry": "often"`:                       {"/retry", `or a list like ["5s", "5m"]: there is no schedule "often"`},
		`"retry": {"a": 1}`:                      {"/retry", `retry: write "none", "short", "standard", "long", or a list`},
		`"for": {"project": {"rate": "5/s"}}`:    {"/for/project/rate", `for.project.rate: unknown field "rate": write chunk, content_type`},
		`"sign": {"scheme": "hmac"}`:             {"/sign/scheme", `carries the signature, like {"scheme": "hmac", "header": "X-Signature", "encoding": "hex"}`},
		`"headers": {"X-A": "b"}`:                {"/headers", "headers: this is an object: write a list"},
		`"headers": [{"name": "X-A", "value": "a\r\nb: c"}]`:      {"/headers", "line break"},
		`"headers": [{"name": "X-A", "value": "{env.PATH}"}]`:     {"/headers", "env.PATH"},
		`"headers": [{"name": "Host", "value": "b.example.com"}]`: {"/headers", "Host"},
	} {
		bodies[fmt.Sprintf(subscribing, ", "+fields)] = want
	}
	for body, want := range bodies {
		a := ann.do("POST", "/subscriptions", body).want(422)
		if a.header.Get("Content-Type") != "application/problem+json" || !holdsProblem(a, want[0], want[1]) {
			t.Errorf("%s\nwant %v\ngot  %s", body, want, a.raw)
		}
		if strings.Contains(a.raw, "{ …") || strings.Contains(a.raw, "retry: retry") {
			t.Errorf("%s: it says what only the operator can write, or says it twice: %s", body, a.raw)
		}
	}
}

func problemsOfHosts(t *testing.T, ann user) {
	for _, host := range []string{
		"127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "a.localhost", "localhost.", "[::1]", "[::ffff:127.0.0.1]",
		"169.254.169.254", "10.0.0.1", "[fd00::1]", "[64:ff9b::7f00:1]", "intranet", "0.0.0.0",
	} {
		a := ann.do("POST", "/subscriptions", fmt.Sprintf(`{"url": "https://%s/x", "scopes": ["project.**"]}`, host)).want(422)
		if !holdsProblem(a, "/url", "") {
			t.Errorf("%s: %s", host, a.raw)
		}
	}
}

func problemsOfFilters(t *testing.T, ann user) {
	const costly = `{"url": "https://a.example.com/", "scopes": ["project.**"], "filter": %q}`
	loops := "true"
	for range 4 {
		loops = "any(entity.tags, " + loops + ")"
	}
	for filter, want := range map[string]string{
		strings.Repeat("1==1||", 100) + "true":  "parts, and may have 300",
		loops:                                   "4 loops (any, filter, map…) stand in each other",
		`entity.a matches "(abcdefghij){1,99}"`: "regular expressions come to",
		strings.Repeat(" ", 2000) + "true":      "is too much",
	} {
		if a := ann.do("POST", "/subscriptions", fmt.Sprintf(costly, filter)).want(422); !holdsProblem(a, "/filter", want) {
			t.Errorf("the filter %.60q: %s", filter, a.raw)
		}
	}
	names := fmt.Sprintf(`{"url": "https://a.example.com/", "scopes": ["project.**"], "sign": {"scheme": "hmac", "header": "X-Sig", "encoding": "hex", "over": %q}}`, strings.Repeat("{body}", 100))
	if a := ann.do("POST", "/subscriptions", names).want(422); !holdsProblem(a, "/sign", "101 names in braces") {
		t.Errorf("names without end: %s", a.raw)
	}
}

func problemsOfChanges(t *testing.T, ann user) {
	made := ann.do("POST", "/subscriptions", `{"url": "https://a.example.com/", "scopes": ["project.**"], "sign": {"scheme": "none"}}`).want(201).text("id")
	if a := ann.do("PATCH", "/subscriptions/"+made, `{"secret": "x"}`).want(422); !holdsProblem(a, "/secret", "POST /subscriptions/ID/rotate does") {
		t.Errorf("how a secret is replaced: %s", a.raw)
	}
	if a := ann.do("POST", "/subscriptions/"+made+"/rotate", `{"grace": 3600}`).want(422); !holdsProblem(a, "/grace", `write a text, like "24h"`) {
		t.Errorf("how long a secret goes on signing: %s", a.raw)
	}
	if a := ann.do("POST", "/subscriptions/"+made+"/test", `{"event_type": "project.create"}`).want(422); !holdsProblem(a, "/event_type", "did you mean project.created?") {
		t.Errorf("a type that there is not: %s", a.raw)
	}
	ann.do("DELETE", "/subscriptions/"+made, "").want(204)
	two := ann.do("POST", "/subscriptions", `{"url": 7, "order": "fifo"}`).want(422)
	if n := len(two.fields["errors"].([]any)); n != 3 {
		t.Errorf("%d problems are told, want 3: %s", n, two.raw)
	}
	if detail := two.text("detail"); !strings.HasPrefix(detail, "order ") || !strings.Contains(detail, "; scopes is missing: ") || !strings.Contains(detail, "; url: this is a number") {
		t.Errorf("the detail does not say what is wrong: %s", detail)
	}
	ann.do("POST", "/subscriptions", `[1]`).want(400)
	ann.do("POST", "/subscriptions", `{`).want(400)
	if n := len(ann.do("GET", "/subscriptions", "").data()); n != 0 {
		t.Errorf("%d subscriptions were made", n)
	}
}

func problemsOfQueries(t *testing.T, ann user) {
	many := url.Values{"scope": slices.Repeat([]string{"project.**"}, 101)}.Encode()
	for query, name := range map[string]string{
		many: "scope", "state=held&state=dead": "state", "dir=x": "dir", "limit=0": "limit", "cursor=x": "cursor", "since=yesterday": "since", "state=gone": "state", "scop=a": "scop", "entity=7": "entity",
	} {
		if a := ann.do("GET", "/deliveries?"+query, "").want(400); !strings.Contains(a.raw, `"parameter":"`+name+`"`) {
			t.Errorf("%s: %s", query, a.raw)
		}
	}
}

func holdsProblem(a answer, pointer, detail string) bool {
	list, _ := a.fields["errors"].([]any)
	for _, v := range list {
		if e := v.(map[string]any); e["pointer"] == pointer && strings.Contains(e["detail"].(string), detail) {
			return true
		}
	}
	return false
}

// A version that somebody else has changed is not changed; a repeated creation
// makes one subscription.
func TestConcurrentAndRepeatedCallsOfTheAPI(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r := receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	ann, bob := p.user("ann", "acme"), p.user("bob", "acme")
	body := subscription(r, "")
	first := ann.do("POST", "/subscriptions", body, "Idempotency-Key", "k1").want(201)
	p.kill()
	p.start()
	again := ann.do("POST", "/subscriptions", body, "Idempotency-Key", "k1").want(201)
	id := first.text("id")
	if again.text("id") != id || again.text("secret") != secret || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("made %s, then %s", first.raw, again.raw)
	}
	ann.do("POST", "/subscriptions", subscription(r, `, "order": "none"`), "Idempotency-Key", "k1").want(422)
	if other := bob.do("POST", "/subscriptions", body, "Idempotency-Key", "k1").want(201); other.text("id") == id {
		t.Error("one caller's key is another's")
	}
	var sent sync.WaitGroup
	for range 12 {
		sent.Go(func() {
			a := ann.do("POST", "/subscriptions", body, "Idempotency-Key", "at once")
			if a.status != 201 && (a.status != 409 || !strings.Contains(a.text("detail"), "is under way")) {
				t.Errorf("at once: %d %s", a.status, a.raw)
			}
		})
	}
	sent.Wait()
	twin := ann.do("POST", "/subscriptions", body, "Idempotency-Key", "at once").want(201).text("id")
	if n := len(ann.do("GET", "/subscriptions", "").want(200).data()); n != 2 {
		t.Errorf("there are %d subscriptions, want one of each key", n)
	}
	ann.do("DELETE", "/subscriptions/"+twin, "").want(204)
	read := ann.do("GET", "/subscriptions/"+id, "").want(200)
	tag := read.header.Get("ETag")
	changed := ann.do("PATCH", "/subscriptions/"+id, `{"filter": "entity.name != 'Roof'", "retry": "none", "headers": [{"name": "X-Token", "value": "hush-hush"}]}`,
		"If-Match", tag, "Content-Type", "application/merge-patch+json").want(200)
	if changed.header.Get("ETag") == tag || changed.text("filter") == "" {
		t.Errorf("changed to %s", changed.raw)
	}
	for _, call := range [][2]string{{"PATCH", ""}, {"DELETE", ""}, {"POST", "/pause"}} {
		ann.do(call[0], "/subscriptions/"+id+call[1], `{}`, "If-Match", tag).want(412)
	}
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	p.call("POST", "/api/projects", `{"name":"Hall"}`, "X-Space", "acme")
	r.wait(3) // one of ann's, two of bob's
	until(t, "all is settled", p.settled)
	if n := len(ann.do("GET", "/deliveries?subscription="+id, "").data()); n != 1 {
		t.Errorf("%d deliveries passed the filter, want 1", n)
	}
	back := ann.do("PATCH", "/subscriptions/"+id, `{"filter": null}`).want(200)
	if back.text("filter") != "" || back.fields["retry"] != "none" || strings.Contains(back.raw, "hush") {
		t.Errorf("changed back to %s", back.raw)
	}
}

// Pause holds, resume goes on; a test sends an example whatever the rules are.
func TestPausingResumingAndTesting(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r := receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	ann := p.user("ann", "acme")
	id := ann.do("POST", "/subscriptions", subscription(r, "")).want(201).text("id")
	path := "/subscriptions/" + id
	tag := ann.do("GET", path, "").want(200).header.Get("ETag")
	if got := ann.do("POST", path+"/pause", "").want(200); got.text("status") != "paused" || got.header.Get("ETag") == tag {
		t.Errorf("it is %s, with ETag %s as before", got.raw, tag)
	}
	ann.do("PATCH", path, `{"timeout": "9s"}`, "If-Match", tag).want(412) // the status is another
	ann.do("POST", path+"/test", "").want(409)
	for i := range 5 {
		p.call("POST", "/api/projects", fmt.Sprintf(`{"name":"P%d"}`, i), "X-Space", "acme")
	}
	until(t, "they are held", func() bool { return len(ann.do("GET", "/deliveries?state=held", "").data()) == 5 })
	first := ann.do("GET", "/deliveries?state=held", "").data()[0]["id"].(string)
	if a := ann.do("POST", "/deliveries/"+first+"/retry", "").want(409); !strings.Contains(a.text("detail"), "resume subscription "+id) {
		t.Errorf("how one that is held is sent: %s", a.raw)
	}
	p.kill()
	p.start()
	var seen []string
	for next := ""; ; {
		page := ann.do("GET", "/deliveries?state=held&limit=2"+next, "").want(200)
		for _, d := range page.data() {
			seen = append(seen, d["id"].(string))
		}
		if page.text("next") == "" {
			break
		}
		next = "&cursor=" + page.text("next")
	}
	if len(seen) != 5 {
		t.Errorf("pages hold %d deliveries, want 5: %v", len(seen), seen)
	}
	if len(r.all()) > 0 {
		t.Error("a paused one was delivered to")
	}
	if got := ann.do("PATCH", path, `{"status": "on"}`).want(422); !strings.Contains(got.raw, "/status") || !strings.Contains(got.raw, "active to go on") {
		t.Errorf("a status that there is not: %s", got.raw)
	}
	if got := ann.do("PATCH", path, `{"timeout": "9s", "status": "active"}`).want(200); got.text("status") != "active" || got.text("timeout") != "9s" {
		t.Errorf("after active it is %s", got.raw)
	}
	r.wait(5)
	if got := ann.do("PATCH", path, `{"status": "paused"}`).want(200).text("status"); got != "paused" {
		t.Errorf("after paused it is %s", got)
	}
	ann.do("POST", path+"/resume", "").want(200)
	ann.do("POST", path+"/test", "").want(202)
	if got := r.wait(6)[5]; got.Body.Type != "sidehook.test" || !strings.Contains(string(got.Body.Data), id) {
		t.Errorf("the example is %s", got.Raw)
	}
	until(t, "all is settled", p.settled)
	if n := len(ann.do("GET", "/events?resource=project", "").data()); n != 5 {
		t.Errorf("%d events of projects, want 5", n)
	}
	if n := len(ann.do("GET", "/events?since=2100-01-01T00:00:00Z", "").data()); n != 0 {
		t.Errorf("%d events of the future", n)
	}
	if n := len(ann.do("GET", "/deliveries?until=2100-01-01T00:00:00Z&scope=project.*&state=delivered", "").data()); n != 5 {
		t.Errorf("%d deliveries, want 5", n)
	}
}

// delete_after deletes what a customer made and left behind.
func TestASubscriptionOfTheAPIThatTimesOutIsDeleted(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	release := make(chan struct{})
	r := receive(t, func(*arrival) int { <-release; return 204 })
	t.Cleanup(func() { close(release) })
	p := start(t, withAPI("", perSpace, api.URL))
	ann := p.user("ann", "acme")
	id := ann.do("POST", "/subscriptions", subscription(r, `, "timeout": "50ms", "retry": ["1s", "1h"], "delete_after": 2`)).want(201).text("id")
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	until(t, "it is deleted", func() bool { return ann.do("GET", "/subscriptions/"+id, "").status == 404 })
	until(t, "what it is owed is cancelled", func() bool {
		return len(p.operate("GET", "/deliveries?state=cancelled&subscription="+id, "").want(200).data()) == 1
	})
	until(t, "nothing is owed", p.settled)
}

// Secrets are shown when they are made, and nowhere after: not in answers, logs,
// metrics, adapted configuration, nor, with a key, on the disk.
func TestSecretsAreNowhere(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r := receive(t, status(500))
	const key, header = "the-encryption-key-of-this-test-0", "the-token-of-a-receiver"
	const theirs, ours, service, proxy = "the-credential-of-a-subscriber", "the-credential-of-our-own", "the-credential-of-the-service", "the-password-of-a-proxy"
	const signing, sent = "the-secret-of-our-own-subscription", "the-header-of-our-own"
	const token, plain = "the-token-in-our-own-url", "the-value-of-an-innocent-header"
	global := fmt.Sprintf(`		encryption_key {env.SIDEHOOK_KEY}
		subscription own %s/{env.OUR_TOKEN}/hooks?token={env.OUR_TOKEN} {
			scopes project.**
			secret {env.OUR_SECRET}
			header X-Token {env.OUR_HEADER}
			header X-Customer "number {env.OUR_PLAIN}"
			view_check
			credential Authorization "Bearer {env.OUR_CREDENTIAL}"
			retry none
			egress {
				proxy {env.OUR_PROXY}
			}
		}`, r.URL)
	p := prepare(t, strings.Replace(withAPI(global, perSpace, api.URL), "resource project",
		"origin "+api.URL+"\n\t\t\tcredential X-Service {env.SERVICE}\n\t\t\tresource project", 1))
	p.env = append(p.env, "SIDEHOOK_KEY="+key, "OUR_SECRET="+signing, "OUR_HEADER="+sent, "OUR_TOKEN="+token, "OUR_PLAIN="+plain, "OUR_CREDENTIAL="+ours, "SERVICE="+service, "OUR_PROXY=http://me:"+proxy+"@127.0.0.1:1")
	p.start()
	ann := p.user("ann", "acme")
	id := ann.do("POST", "/subscriptions", subscription(r, `, "headers": [{"name": "X-Api-Key", "value": "`+header+`"}],
		"view_check": true, "expand": ["owner"], "credential": {"header": "X-Api-Key", "value": "`+theirs+`"}`)).want(201).text("id")
	fresh := ann.do("POST", "/subscriptions/"+id+"/rotate", "").want(200).text("secret")
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	until(t, "an attempt is recorded", func() bool {
		d := ann.do("GET", "/deliveries", "").data()
		return len(d) > 0 && d[0]["attempts"] == 1.0
	})
	d := ann.do("GET", "/deliveries", "").data()[0]["id"].(string)
	var shown strings.Builder
	for _, path := range []string{"/subscriptions", "/subscriptions/" + id, "/events", "/deliveries", "/deliveries/" + d, "/deliveries/" + d + "/attempts"} {
		shown.WriteString(ann.do("GET", path, "").want(200).raw)
		shown.WriteString(p.operate("GET", path, "").want(200).raw)
	}
	shown.WriteString(ann.do("PATCH", "/subscriptions/"+id, `{"pause_after": 3}`).want(200).raw)
	for _, wrong := range []string{
		`{"credential": {"value": "` + theirs + `\r\nX-Admin: yes"}}`, `{"credential": {"header": "X-Forwarded-User", "value": "` + theirs + `"}}`,
		`{"credential": {"header": "X Y", "value": "` + theirs + `"}}`, `{"view_check": null, "expand": null}`, `{"credential": {"value": "[secret]"}}`,
		`{"credential": "` + theirs + `"}`, `{"headers": [{"name": "X-A\r\nX-B", "value": "` + header + `"}]}`,
	} {
		shown.WriteString(ann.do("PATCH", "/subscriptions/"+id, wrong).want(422).raw)
	}
	shown.WriteString(ann.do("GET", "/openapi.json", "").want(200).raw)
	until(t, "our own is given up", func() bool { return p.count("own", "exhausted") == 1 })
	for _, args := range [][]string{
		{"subscriptions", "--address", p.admin}, {"deliveries", "--address", p.admin}, {"events", "--address", p.admin}, {"check", "--config", p.config}, {"adapt", "--adapter", "caddyfile", "--config", p.config},
	} {
		out, err := p.cli(args...)
		if err != nil {
			t.Errorf("%v: %v: %s", args, err, out)
		}
		shown.WriteString(out)
	}
	shown.WriteString(p.metrics())
	var config any
	p.get("/config/", &config)
	fmt.Fprint(&shown, config)
	p.stop()
	shown.WriteString(p.log.String())
	for _, hidden := range []string{secret, fresh, header, key, theirs, ours, service, proxy, signing, sent, token, plain} {
		if i := strings.Index(shown.String(), hidden); i >= 0 {
			t.Errorf("%q is shown: …%s", hidden, shown.String()[max(0, i-200):i])
		}
		if file := fileWith(t, filepath.Join(p.dir, "data"), hidden); file != "" {
			t.Errorf("%q is in %s", hidden, file)
		}
	}

	p.env = append(p.env, "SIDEHOOK_KEY=another key that opens nothing of it")
	p.launch()
	<-p.Ended()
	if !strings.Contains(p.log.String(), "another encryption_key") {
		t.Error("a start with another key does not say so")
	}
}

// fileWith returns a file below dir that holds text, or "".
func fileWith(t *testing.T, dir, text string) (found string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), text) {
			found = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

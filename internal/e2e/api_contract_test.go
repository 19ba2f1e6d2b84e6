package e2e

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sidehook/sidehook/examples/crud"
)

// contract is an OpenAPI document that every call is held against.
type contract struct {
	*document
	t    *testing.T
	base string
	seen map[string]bool // "operation status" that were answered
}

// fetchContract reads the document that is served at base.
func fetchContract(t *testing.T, base string, header ...string) *contract {
	t.Helper()
	raw := callAPI(t, "GET", base+"/openapi.json", "", header...).want(200).raw
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return &contract{document: readDocument(t, []byte(raw), u.Path), t: t, base: base, seen: map[string]bool{}}
}

// call makes a call and holds it, and what is answered, against the document.
// Calls that are meant to be refused need not be what the document wants.
func (c *contract) call(method, path, body string, header ...string) answer {
	c.t.Helper()
	a := callAPI(c.t, method, c.base+path, body, header...)
	c.seen[c.hold(c.t, method, path, body, header, a, true)] = true
	return a
}

// unprovoked are the statuses that no test can bring about, and why.
var unprovoked = map[string]string{
	"500": "it is what a bug of ours is answered with",
	"503": "it is answered for a moment while the process starts or stops",
	"507": "the disk has to be full: TestTheAPIRefusesWritesOnAFullDisk holds each of these against the document too",
}

// missing returns what the document says and no call was answered with.
func (c *contract) missing() (names []string) {
	for _, item := range c.doc.Paths.Map() {
		for _, op := range item.Operations() {
			for status := range op.Responses.Map() {
				if name := op.OperationID + " " + status; !c.seen[name] && unprovoked[status] == "" {
					names = append(names, name)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

// each calls a function for every operation, with its path filled with id.
func (c *contract) each(id string, call func(op *openapi3.Operation, method, path string)) {
	paths := c.doc.Paths.Map()
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		operations := paths[path].Operations()
		for _, method := range slices.Sorted(maps.Keys(operations)) {
			call(operations[method], method, strings.ReplaceAll(path, "{id}", id))
		}
	}
}

// Whatever the API answers is what its document says, and whatever the document
// says is answered.
func TestContract(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r := receive(t, nil)
	p := start(t, withAPI(subscribe("crm", r, "scopes project.gap"), perSpace, api.URL))
	operator := fetchContract(t, "http://"+p.admin+"/sidehook/api")
	ann := []string{"X-User", "ann", "X-Space", "acme"}
	c := fetchContract(t, p.site+"/webhooks", ann...)
	do := func(method, path, body string, more ...string) answer {
		t.Helper()
		return c.call(method, path, body, append(more, ann...)...)
	}
	c.refusals(ann)

	id := do("POST", "/subscriptions", subscription(r, `, "headers": [{"name": "X-A", "value": "b"}], "timeout": "5s", "retry": "none", "sign": {"scheme": "standard"}`)).want(201).text("id")
	s := "/subscriptions/" + id
	do("POST", "/subscriptions", subscription(r, `, "filter": 7`)).want(422)
	do("POST", "/subscriptions", subscription(r, ""), "Idempotency-Key", strings.Repeat("x", 300)).want(400)
	for i := range 99 {
		do("POST", "/subscriptions", subscription(r, ""), "Idempotency-Key", "k"+itoa(i)).want(201)
	}
	do("POST", "/subscriptions", subscription(r, "")).want(409)
	do("GET", "/subscriptions?limit=3", "").want(200)
	for _, other := range do("GET", "/subscriptions?limit=250", "").want(200).data() {
		if other["id"] != id {
			do("DELETE", "/subscriptions/"+other["id"].(string), "").want(204)
		}
	}
	do("PATCH", s, `{"filter": "entity.name != 'x'", "timeout": null}`, "If-Match", do("GET", s, "").want(200).header.Get("ETag")).want(200)
	for _, verb := range []string{"pause", "resume", "release"} {
		do("POST", s+"/"+verb, "").want(200)
	}
	do("POST", s+"/rotate", "").want(200)
	do("POST", s+"/pause", "").want(200)
	do("POST", s+"/test", "").want(409)
	do("POST", s+"/resume", "").want(200)
	made := do("POST", "/subscriptions", subscription(r, "")).want(201).text("id")
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	p.call("PATCH", "/api/projects/1001", `{"name":"Hall"}`, "X-Space", "acme")
	r.wait(2)
	do("POST", "/subscriptions/"+made+"/test", `{"event_type": "project.created"}`).want(202)
	until(t, "tests come too soon after each other", func() bool {
		return do("POST", "/subscriptions/"+made+"/test", "").status == 429
	})
	until(t, "all is settled", p.settled)
	event := do("GET", "/events?scope=project.**&resource=project", "").want(200).data()[0]["id"].(string)
	do("GET", "/events/"+event, "").want(200)
	do("GET", "/event_types", "").want(200)
	do("GET", "/event_types/project.created", "").want(200)
	deliveries := do("GET", "/deliveries?subscription="+made+"&state=delivered&since=2020-01-01T00:00:00Z", "").want(200).data()
	d := "/deliveries/" + deliveries[0]["id"].(string)
	do("GET", d, "").want(200)
	do("GET", d+"/attempts", "").want(200)
	do("POST", d+"/retry", "").want(200)
	c.conflicts(do, s, d)
	c.pending(do, p, r)
	c.replays(do, made)
	until(t, "retries come too soon after each other", func() bool { // between them it may be pending
		return do("POST", d+"/retry", "").status == 429
	})
	do("DELETE", s, "").want(204)
	operator.each("crm", func(op *openapi3.Operation, method, path string) {
		if strings.HasPrefix(path, "/subscriptions/crm") {
			operator.call(method, path, "").want(map[bool]int{true: 200, false: 409}[method == "GET"])
		} else if method == "GET" {
			operator.call(method, path, "")
		}
	})
	operator.call("POST", "/subscriptions", subscription(r, `, "owner": "eve", "tenant": "*", "allow_private": true`)).want(201)
	maps.Copy(c.seen, operator.seen)
	if missing := c.missing(); len(missing) > 0 {
		t.Errorf("the document says these, and nothing was answered with them: provoke them, or say in unprovoked why that cannot be\n%s", strings.Join(missing, "\n"))
	}
}

// refusals provokes what every route may refuse.
func (c *contract) refusals(who []string) {
	large := `{"x": "` + strings.Repeat("x", 70_000) + `"}`
	c.each("none", func(op *openapi3.Operation, method, path string) {
		c.call(method, path, "", "X-Space", "acme").want(401)
		c.call(method, path, "", append([]string{"Origin", "https://evil.example.com"}, who...)...).want(403)
		c.call(method, path+"?unknown=1", "", who...).want(400)
		if op.Responses.Value("413") != nil {
			c.call(method, path, large, who...).want(413)
			c.call(method, path, "a=b", append([]string{"Content-Type", "application/x-www-form-urlencoded"}, who...)...).want(415)
		}
		if strings.Contains(path, "none") {
			c.call(method, path, "", who...).want(404)
		}
	})
}

// conflicts provokes what routes with a path refuse that is there: other versions,
// fields that are not right, and what is not possible now.
func (c *contract) conflicts(do caller, s, delivery string) {
	c.each("ID", func(op *openapi3.Operation, method, path string) {
		switch kind, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/"); {
		case kind == "subscriptions":
			path = strings.Replace(path, "/subscriptions/ID", s, 1)
		case kind == "deliveries":
			path = strings.Replace(path, "/deliveries/ID", delivery, 1)
		default:
			return
		}
		if op.Responses.Value("412") != nil {
			do(method, path, "{}", "If-Match", `"other"`).want(412)
		}
		if op.Responses.Value("422") != nil {
			do(method, path, `{"no_such_field": 1}`).want(422)
		}
	})
}

// caller makes calls as somebody.
type caller func(method, path, body string, more ...string) answer

// pending provokes what is not possible with what is owed still.
func (c *contract) pending(do caller, p *process, r *receiver) {
	r.respond(status(503))
	id := do("POST", "/subscriptions", subscription(r, `, "retry": ["1h"]`)).want(201).text("id")
	p.call("POST", "/api/projects", `{"name":"Shed"}`, "X-Space", "acme")
	var owed []map[string]any
	until(c.t, "something is owed", func() bool {
		owed = do("GET", "/deliveries?state=pending&subscription="+id, "").want(200).data()
		return len(owed) > 0 && owed[0]["attempts"] == 1.0
	})
	do("POST", "/deliveries/"+owed[0]["id"].(string)+"/retry", "").want(409)
	do("GET", "/deliveries?subscription=nobodys", "").want(404)
	do("DELETE", "/subscriptions/"+id, "").want(204)
	r.respond(nil)
}

// replays provokes what is said of replays, and of erasures.
func (c *contract) replays(do caller, subscription string) {
	body := fmt.Sprintf(`{"subscription": %q, "since": 0, "states": ["delivered", "missed"], "rate": 0.01}`, subscription)
	do("POST", "/replays/count", body).want(200)
	made := do("POST", "/replays", body).want(201).text("id")
	do("POST", "/replays", body).want(409)
	for _, path := range []string{"/replays", "/replays/count", "/replays/" + made + "/cancel"} {
		do("POST", path, `{"no_such_field": 1}`).want(422)
	}
	do("GET", "/replays?subscription="+subscription, "").want(200)
	do("GET", "/replays/"+made, "").want(200)
	do("POST", "/replays/"+made+"/cancel", "").want(200)
	do("POST", "/erasures", `{"resource": "project", "entity": "nosuch"}`).want(200)
	do("POST", "/erasures", `{"no_such_field": 1}`).want(422)
}

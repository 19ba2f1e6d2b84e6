package e2e

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/examples/crud"
)

// hooksDialect is the subscription API of a product that there is not.
const hooksDialect = `
		dialect hooks {
			accept json form xml yaml
			error {
				meta {
					status error.status
					message error.detail
					fields ` + "`map(error.errors ?? [], .pointer)`" + `
				}
				response nil
			}
			route GET /v0/hooks list {
				reply 200 ` + "`{\"response\": map(subscriptions, {{\"id\": string(#.number), \"to\": #.url}})}`" + `
			}
			route POST /v0/hooks create {
				refuse 409 "but is a text, not a list" when type(request.body.but) == "array"
				refuse 403 "nobody gets it" when request.body.event_id == "project.deleted"
				field url request.body.trigger_url
				field scopes [request.body.event_id]
				field secret request.body.key
				field on_change request.body.watch[resource]
				field headers ` + "`[{\"name\": \"X-For\", \"value\": request.header[\"X-User\"]}]`" + `
				filter entity.name != subscription.options.but
				reply 201 {
					response {
						id string(subscription.number)
						event subscription.scopes[0]
						secret subscription.secret
						user request.header["X-User"]
					}
				}
			}
			route GET /v0/hooks/{id} read
			route PUT /v0/hooks/{id} change {
				field url request.body.trigger_url
				field status ` + "`request.body.stopped == nil ? nil : request.body.stopped ? \"paused\" : \"active\"`" + `
				reply 200 ` + "`{\"to\": subscription.url, \"is\": subscription.status}`" + `
			}
			route POST /v0/hooks/{id}/stop pause {
				reply 204
			}
			route DELETE /v0/hooks/{id} delete {
				reply 200 ` + "`{\"gone\": params.id}`" + `
			}
		}`

func withDialect(api string) string {
	return strings.NewReplacer("handle_path /webhooks/*", "handle /v0/*").Replace(withAPI(hooksDialect, perSpace+"\n\t\t\tdialect hooks", api))
}

// speak makes a call in a dialect and returns its answer.
func (u user) speak(method, path, contentType, body string) (int, http.Header, string) {
	u.p.t.Helper()
	req, err := http.NewRequest(method, u.p.site+path, strings.NewReader(body))
	if err != nil {
		u.p.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(u.header); i += 2 {
		req.Header.Set(u.header[i], u.header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		u.p.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		u.p.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(raw)
}

// A dialect makes the subscription API another product's: routes, fields,
// envelopes and formats. What is made through it gets its webhooks.
func TestADialectIsAnotherProductsAPI(t *testing.T) {
	mine := receive(t, nil)
	p := start(t, withDialect(crudAPI(t, crud.Options{}).URL))
	ann, bob := p.user("ann", "acme"), p.user("bob", "acme")

	status, header, raw := ann.speak("POST", "/v0/hooks", "application/x-www-form-urlencoded",
		url.Values{"trigger_url": {mine.URL}, "event_id": {"project.updated"}, "key": {secret}}.Encode())
	var made struct{ Response map[string]string }
	if err := json.Unmarshal([]byte(raw), &made); err != nil || status != 201 || header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v %s", status, header, raw)
	}
	id, key := made.Response["id"], made.Response["secret"]
	if want := map[string]string{"id": id, "secret": key, "event": "project.updated", "user": "ann"}; !cmp.Equal(made.Response, want) || key != secret {
		t.Errorf("made %s", raw)
	}

	_, project := p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	var entity struct{ ID json.RawMessage }
	if err := json.Unmarshal([]byte(project), &entity); err != nil {
		t.Fatal(err)
	}
	p.call("PATCH", "/api/projects/"+strings.Trim(string(entity.ID), `"`), `{"name":"Wall"}`, "X-Space", "acme")
	got := mine.wait(1)
	if got[0].Body.Type != "project.updated" {
		t.Errorf("came %s", got[0].Body.Type)
	}

	for _, c := range []struct {
		who          user
		method, path string
		status       int
		kind, want   string
		body         string
	}{
		{ann, "GET", "/v0/hooks", 200, "application/json", `{"response":[{"id":"` + id + `","to":"` + mine.URL + `"}]}`, ""},
		{ann, "GET", "/v0/hooks.yml", 200, "application/yaml", "response:\n    - id: \"" + id + "\"\n      to: " + mine.URL + "\n", ""},
		{ann, "GET", "/v0/hooks.xml", 200, "application/xml", xml.Header + "<response><response><item><id>" + id + "</id><to>" + mine.URL + "</to></item></response></response>\n", ""},
		{bob, "GET", "/v0/hooks", 200, "application/json", `{"response":[]}`, ""},
		{bob, "DELETE", "/v0/hooks/" + id, 404, "application/json", `{"meta":{"fields":[],"message":"there is no subscription of that id","status":404},"response":null}`, ""},
		{user{p, nil}, "GET", "/v0/hooks", 401, "application/json", `{"meta":{"fields":[],"message":"it is not known who calls: authenticate","status":401},"response":null}`, ""},
		{ann, "GET", "/v0/others.json", 404, "application/json", `{"meta":{"fields":[],"message":"there is nothing at /v0/others.json","status":404},"response":null}`, ""},
		{ann, "PATCH", "/v0/hooks/" + id, 405, "application/json", `{"meta":{"fields":[],"message":"PATCH is not possible here: use DELETE, GET or PUT","status":405},"response":null}`, ""},
		{ann, "POST", "/v0/hooks/" + id + "/stop.json", 204, "", "", ""},
		{ann, "DELETE", "/v0/hooks/" + id + "1.json", 404, "application/json", `{"meta":{"fields":[],"message":"there is no subscription of that id","status":404},"response":null}`, ""},
		{ann, "PUT", "/v0/hooks/" + id + ".xml", 200, "application/xml", xml.Header + "<response><is>paused</is><to>" + mine.URL + "</to></response>\n", `{}`},
		{ann, "PUT", "/v0/hooks/" + id, 200, "application/json", `{"is":"active","to":"` + mine.URL + `"}`, `{"stopped": false}`},
		{ann, "PUT", "/v0/hooks/" + id, 200, "application/json", `{"is":"paused","to":"` + mine.URL + `"}`, `{"stopped": true}`},
		{ann, "PUT", "/v0/hooks/" + id, 200, "application/json", `{"is":"paused","to":"` + mine.URL + `"}`, `{}`},
		{ann, "DELETE", "/v0/hooks/" + id, 200, "application/json", `{"gone":"` + id + `"}`, ""},
		{ann, "GET", "/v0/hooks", 200, "application/json", `{"response":[]}`, ""},
	} {
		kind := ""
		if c.body != "" {
			kind = "application/json"
		}
		status, header, raw := c.who.speak(c.method, c.path, kind, c.body)
		if status != c.status || header.Get("Content-Type") != c.kind || raw != c.want {
			t.Errorf("%s %s: %d %s\n%s\nwant %d %s\n%s", c.method, c.path, status, header.Get("Content-Type"), raw, c.status, c.kind, c.want)
		}
	}
}

// What is wrong is said in the product's envelope, under its own names.
func TestADialectsErrorsAreTheProducts(t *testing.T) {
	p := start(t, withDialect(crudAPI(t, crud.Options{}).URL))
	ann := p.user("ann", "acme")
	for _, c := range []struct {
		contentType, body string
		status            int
		want              string
	}{
		{"application/json", `{"trigger_url": "no url", "event_id": "project.updated"}`, 422, `"fields":["/trigger_url"]`},
		{"application/json", `{"trigger_url": "no url", "event_id": "project.updated"}`, 422, `"message":"trigger_url `},
		{"application/json", `{"trigger_url": "https://a.example.com/", "event_id": "nothing"}`, 422, `no rule earns nothing`},
		{"application/json", `{"trigger_url": "https://a.example.com/"}`, 422, `"fields":["/event_id"],"message":"event_id is missing","status"`},
		{"application/json", `{}`, 422, `"fields":["/event_id","/trigger_url"],"message":"event_id is missing; trigger_url is missing: write where`},
		{"application/json", `{"trigger_url": "https://a.example.com/", "event_id": []}`, 422, `"fields":["/event_id"],"message":"event_id: this is an array: write a text"`},
		{"application/json", `{"trigger_url": "https://a.example.com/", "event_id": "project.updated", "watch": {"project": "name"}}`, 422,
			`"fields":["/watch/project"],"message":"watch.project: this is a string: write a list"`},
		{"application/json", `{"but": []}`, 409, `"message":"but is a text, not a list","status":409`},
		{"application/json", `{"event_id": "project.deleted"}`, 403, `"fields":[],"message":"nobody gets it"`},
		{"application/json", `{"trigger_url": 5`, 400, `the body cannot be read`},
		{"text/csv", `a,b`, 415, `send application/json, application/x-www-form-urlencoded, application/xml or application/yaml`},
		{"application/xml", `<!DOCTYPE a [<!ENTITY b "c">]><a/>`, 400, `a document type is not taken`},
		{"application/json", `{"trigger_url": "` + strings.Repeat("x", 70_000) + `"}`, 413, `more than 65536 bytes`},
	} {
		status, _, raw := ann.speak("POST", "/v0/hooks.json", c.contentType, c.body)
		if status != c.status || !strings.Contains(raw, c.want) || !strings.HasPrefix(raw, `{"meta":`) {
			t.Errorf("%.60s: %d %s; want %d %s", c.body, status, raw, c.status, c.want)
		}
	}
}

// No expression is made of what a subscriber sends: a text stays a text, kept as
// an option that the dialect's own filter may read.
func TestADialectMakesNoExpressionOfWhatIsSent(t *testing.T) {
	mine := receive(t, nil)
	p := start(t, withDialect(crudAPI(t, crud.Options{}).URL))
	ann := p.user("ann", "acme")
	body := `{"trigger_url": "` + mine.URL + `", "event_id": "project.created", "key": "` + secret + `", "watch": {"project": ["name"]},
		"but": "true || entity.name", "filter": "false", "sign": {"scheme": "none"}, "tenant": "*", "allow_private": true}`
	if status, _, raw := ann.speak("POST", "/v0/hooks", "application/json", body); status != 201 {
		t.Fatalf("%d %s", status, raw)
	}
	all := p.operate("GET", "/subscriptions", "").want(200).data()
	if len(all) != 1 {
		t.Fatalf("%d subscriptions", len(all))
	}
	got := map[string]any{}
	for _, name := range []string{"filter", "sign", "tenant", "owner", "options", "headers", "for"} {
		got[name] = all[0][name]
	}
	want := map[string]any{
		"filter": "entity.name != subscription.options.but", "sign": nil, "tenant": "acme", "owner": "ann",
		"options": map[string]any{"but": "true || entity.name", "filter": "false", "sign": map[string]any{"scheme": "none"}, "tenant": "*", "allow_private": true},
		"headers": []any{map[string]any{"name": "X-For", "value": "ann"}},
		"for":     map[string]any{"project": map[string]any{"on_change": []any{"name"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("made (-want +got):\n%s", diff)
	}
	for _, name := range []string{"true || entity.name", "Roof"} {
		p.call("POST", "/api/projects", `{"name":"`+name+`"}`, "X-Space", "acme")
	}
	wantField(t, mine.wait(1)[0].Body.Data, "name", `"Roof"`)
	until(t, "all is settled", p.settled)
	if n := len(mine.all()); n != 1 {
		t.Errorf("%d webhooks came, want 1", n)
	}
}

// A dialect may say how often is tried; what it says is held to what a caller may: a
// wait below a second is refused when somebody subscribes.
func TestAScheduleOfADialectWaitsLongEnough(t *testing.T) {
	mine := receive(t, nil)
	config := withDialect(crudAPI(t, crud.Options{}).URL)
	for retry, want := range map[string]int{`["1s", "2s"]`: 201, `["100ms"]`: 422, `[request.body.tries]`: 422} {
		p := start(t, strings.Replace(config, "field secret request.body.key", "field secret request.body.key\n\t\t\t\tfield retry `"+retry+"`", 1))
		ann := p.user("ann", "acme")
		body := url.Values{"trigger_url": {mine.URL}, "event_id": {"project.updated"}, "key": {secret}, "tries": {"999ms"}}.Encode()
		status, _, raw := ann.speak("POST", "/v0/hooks", "application/x-www-form-urlencoded", body)
		if status != want || want == 422 && !strings.Contains(raw, "write 1s at least") {
			t.Errorf("retry %s: %d %s", retry, status, raw)
		}
		p.stop()
	}
}

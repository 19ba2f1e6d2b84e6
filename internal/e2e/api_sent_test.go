package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sidehook/sidehook/examples/crud"
)

// Who has only the document knows what comes, and how it is signed: what is really
// sent is what the document says.
func TestWhatIsSentIsWhatTheDocumentSays(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r := receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	ann := p.user("ann", "acme")
	id := ann.do("POST", "/subscriptions", subscription(r, "")).want(201).text("id")
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	p.call("PATCH", "/api/projects/1001", `{"name":"Hall"}`, "X-Space", "acme")
	p.call("DELETE", "/api/projects/1001", "", "X-Space", "acme")
	ann.do("POST", "/subscriptions/"+id+"/test", "").want(202)
	got := r.wait(4)

	doc := fetchContract(t, p.site+"/webhooks", ann.header...).doc
	op := doc.Webhooks["event"].Post
	for _, word := range []string{"HMAC-SHA256", "{webhook-id}.{webhook-timestamp}.{body}", "whsec_", "v1a,"} {
		if !strings.Contains(op.Description, word) {
			t.Errorf("it does not tell of %s", word)
		}
	}
	body := op.RequestBody.Value.Content.Get("application/json").Schema.Value
	no := false // ours are all to be told
	body.AdditionalProperties = openapi3.AdditionalProperties{Has: &no}
	body.Properties["entity"].Value.AdditionalProperties = body.AdditionalProperties
	for _, a := range got {
		var sent any
		if err := json.Unmarshal([]byte(a.Raw), &sent); err != nil {
			t.Fatal(err)
		}
		if err := body.VisitJSON(sent); err != nil {
			t.Errorf("%s: %v", a.Raw, err)
		}
	}
	until(t, "all is settled", p.settled)
	deliveries := ann.do("GET", "/deliveries", "").want(200).data()
	attempts := ann.do("GET", "/deliveries/"+deliveries[0]["id"].(string)+"/attempts", "").want(200).data()
	headers := attempts[0]["sent"].(map[string]any)
	for _, h := range op.Parameters {
		found := false
		for name := range headers {
			found = found || strings.EqualFold(name, h.Value.Name)
		}
		if !found {
			t.Errorf("%s is not sent: %v", h.Value.Name, headers)
		}
	}
}

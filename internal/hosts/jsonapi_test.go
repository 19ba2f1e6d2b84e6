package hosts

import (
	"encoding/json"
	"testing"
)

// jsonAPIServer starts the example of jsonapi-server on $PORT: by itself it
// knows one port only.
const jsonAPIServer = `
const api = require("jsonapi-server"), configure = api.setConfig
api.setConfig = config => configure.call(api, {...config, port: Number(process.env.PORT)})
require("jsonapi-server/example/server.js")`

const (
	mineID  = "11111111-1111-4111-8111-111111111111"
	seedID  = "22222222-2222-4222-8222-222222222222"
	oldID   = "33333333-3333-4333-8333-333333333333"
	linuxID = "1be0913c-3c25-4261-98f1-e41174025ed5" // an article of the example
)

// jsonapi-server speaks JSON:API: an entity is in data, its fields in
// attributes, and relationships have addresses of their own, whose answers name
// other entities.
func TestJSONAPI(t *testing.T) {
	only(t, "jsonapi")
	s, a := startJSONAPI(t), account{}
	kind := []string{"Content-Type", "application/vnd.api+json"}
	past, anna, ole := watch(s.direct(kind...), a, s.resources), watch(s.client(kind...), a, s.resources),
		watch(s.client(append(kind, "X-Client", "ole")...), a, s.resources)
	past.past = true
	past.look(t)
	mine, article := "/rest/tags/"+mineID, "/rest/articles/"+linuxID

	past.does(201, "POST", "/rest/tags", `{"data":{"type":"tags","id":"`+seedID+`","attributes":{"name":"old"}}}`)
	past.does(201, "POST", "/rest/tags", `{"data":{"type":"tags","id":"`+oldID+`","attributes":{"name":"older"}}}`)
	anna.does(201, "POST", "/rest/tags", `{"data":{"type":"tags","attributes":{"name":"no id given"}}}`)
	anna.does(201, "POST", "/rest/tags", `{"data":{"type":"tags","id":"`+mineID+`","attributes":{"name":"mine"}}}`)
	anna.does(403, "POST", "/rest/tags", `{"data":{"type":"tags","attributes":{"colour":"red"}}}`)
	anna.does(200, "PATCH", mine, `{"data":{"type":"tags","id":"`+mineID+`","attributes":{"name":"renamed"}}}`)
	anna.does(200, "PATCH", mine, `{"data":{"type":"tags","id":"`+mineID+`","attributes":{"name":"renamed"}}}`)
	anna.does(404, "PATCH", "/rest/tags/"+linuxID, `{"data":{"type":"tags","id":"`+linuxID+`","attributes":{"name":"?"}}}`)
	ole.does(200, "PATCH", mine, `{"data":{"type":"tags","id":"`+mineID+`","relationships":{"parent":{"data":{"type":"tags","id":"`+seedID+`"}}}}}`)
	anna.does(200, "PATCH", mine+"/relationships/parent", `{"data":{"type":"tags","id":"`+oldID+`"}}`)
	ole.does(200, "PATCH", mine+"/relationships/parent", `{"data":{"type":"tags","id":"`+mineID+`"}}`) // its own
	anna.does(200, "PATCH", "/rest/tags/"+seedID, `{"data":{"type":"tags","id":"`+seedID+`","attributes":{"name":"newer"}}}`)

	ole.does(200, "PATCH", article, `{"data":{"type":"articles","id":"`+linuxID+`","attributes":{"views":21,"title":"Linux"}}}`)
	anna.does(201, "POST", article+"/relationships/tags", `{"data":{"type":"tags","id":"`+mineID+`"}}`)
	ole.does(200, "PATCH", article+"/relationships/author", `{"data":{"type":"people","id":"cc5cca2e-0dd8-4b95-8cfc-a11230e73116"}}`)
	anna.does(200, "DELETE", article+"/relationships/tags", `{"data":{"type":"tags","id":"`+mineID+`"}}`)

	anna.does(200, "DELETE", "/rest/tags/"+oldID, "")
	anna.does(200, "DELETE", mine, "")
	anna.does(404, "DELETE", mine, "")
	anna.does(201, "POST", "/rest/tags", `{"data":{"type":"tags","id":"`+mineID+`","attributes":{"name":"again"}}}`)

	events := s.events()
	compare(t, a, events, nil, "article.tagged")
	if n := count(events, "article.tagged"); n != 2 {
		t.Errorf("2 calls changed the tags of an article, and article.tagged came %d times", n)
	}
}

func startJSONAPI(t *testing.T) *stage {
	t.Helper()
	port := freePorts(t, 1)[0]
	app := "http://127.0.0.1:" + port
	start(t, installNPM(t, "jsonapi"), app+"/rest/tags", []string{"PORT=" + port}, "node", "-e", jsonAPIServer)
	return behind(t, recipe("jsonapi"), app)
}

// resources reads all tags and articles, as Sidehook shows them: attributes as
// fields.
func (s *stage) resources() map[string]string {
	s.t.Helper()
	all := map[string]string{}
	for path, kind := range map[string]string{"/rest/tags": "tag/", "/rest/articles": "article/"} {
		var list struct{ Data []map[string]any }
		if err := json.Unmarshal([]byte(s.direct().does(200, "GET", path+"?page[limit]=100", "")), &list); err != nil {
			s.t.Fatal(err)
		}
		for _, data := range list.Data {
			fields, _ := data["attributes"].(map[string]any)
			fields["id"], fields["relationships"] = data["id"], data["relationships"]
			all[kind+data["id"].(string)] = text(fields)
		}
	}
	return all
}

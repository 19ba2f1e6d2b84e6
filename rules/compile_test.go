package rules_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/rules"
)

func TestCompileErrorsSayWhatToWrite(t *testing.T) {
	project := func(more string) string {
		return `{"resources": [{"name": "project", "path": "/api/projects"` + more + `}]}`
	}
	for _, c := range []struct{ name, config, path, says string }{
		{"no name", `{"resources": [{"path": "/x"}]}`, "resources[0].name", "like project"},
		{"no path", `{"resources": [{"name": "x"}]}`, "resources[0].path", "like /api/projects"},
		{"path without slash", `{"resources": [{"name": "x", "path": "x"}]}`, "resources[0].path", "slash first"},
		{"shorthand", project(`, "item": "{http.request.uri.path}"`), "resources[0].item", "Caddy replaced a shorthand like {path}"},
		{"shorthand in a name", `{"resources": [{"name": "{http.request.uri.path.file}", "path": "/x"}]}`, "resources[0].name", "Caddy replaced"},
		{"item without id", project(`, "item": "one"`), "resources[0].item", "like {id}"},
		{"parameter twice", `{"resources": [{"name": "x", "path": "/{id}/x"}]}`, "resources[0].item", "{id} twice"},
		{"expression", project(`, "emit": [{"scope": "project.a"}, {"scope": "project.b", "when": "changd(\"x\")"}]`), "resources[0].emit[1].when", "changed"},
		{"integer beyond 64 bits", project(`, "emit": [{"scope": "project.b", "when": "after.n == 12345678901234567890"}]`), "resources[0].emit[0].when", "write it in quotes"},
		{"unknown name", project(`, "emit": [{"scope": "project.b", "when": "entty.x"}]`), "resources[0].emit[0].when", "entity"},
		{"scope", project(`, "emit": [{"scope": "project b"}]`), "resources[0].emit[0].scope", "like project.status.updated"},
		{"scope of a gap", project(`, "emit": [{"scope": "project.gap"}]`), "resources[0].emit[0].scope", "kept for gaps"},
		{"scope of ours", project(`, "created": "sidehook.x"`), "resources[0].created", "Sidehook itself"},
		{"scope with a strange parameter", project(`, "emit": [{"scope": "{kind}.x"}]`), "resources[0].emit[0].scope", "no {kind}"},
		{"on", project(`, "emit": [{"scope": "project.x", "on": "delete"}]`), "resources[0].emit[0].on", "write create, update"},
		{"unknown", project(`, "emit": [{"scope": "project.x", "unknown": "drop"}]`), "resources[0].emit[0].unknown", "write skip, emit"},
		{"before", project(`, "before": "always"`), "resources[0].before", "write auto, snapshot, fetch, none"},
		{"after", `{"after": "get"}`, "after", "write auto, response, fetch, request"},
		{"representation", project(`, "representation": "all"`), "resources[0].representation", "write auto, full, partial"},
		{"default", project(`, "default": "all"`), "resources[0].default", "write none"},
		{"ignore", project(`, "ignore": ["a", "**.b"]`), "resources[0].ignore", "last part"},
		{"redact", `{"redact": [""]}`, "redact", "empty"},
		{"keys", project(`, "keys": ["links"]`), "resources[0].keys[0]", "like links.id"},
		{"version", project(`, "version": "*"`), "resources[0].version", "names one value"},
		{"redact as in an expression", project(`, "redact": ["entity.password"]`), "resources[0].redact", `paths begin inside the entity: write password; for a field that is called entity write \entity.password`},
		{"redact as in JSONPath", `{"redact": ["$.a.*"]}`, "redact", "write a.*;"},
		{"redact with commas", `{"redact": ["a,b"]}`, "redact", "separated by spaces, in JSON each is a text of its own: write a b;"},
		{"ignore as in an expression", project(`, "ignore": ["x", "after.x"]`), "resources[0].ignore", "write x;"},
		{"version as in an expression", project(`, "version": "before.rev"`), "resources[0].version", "write rev;"},
		{"key as in an expression", project(`, "keys": ["a.id", "entity.links.id"]`), "resources[0].keys[1]", "write links.id;"},
		{"key with a comma", project(`, "keys": ["links.id,"]`), "resources[0].keys[0]", "write links.id;"},
		{"id as in an expression", project(`, "id": "entity.id"`), "resources[0].id", `begin inside the answer's body: write id; for a field that is called entity write \entity.id`},
		{"id of the response", project(`, "id": "response.body.data.items.#(a==\"b\").id"`), "resources[0].id", `write data.items.#(a=="b").id;`},
		{"entity as in JSONPath", project(`, "entity": "$.data"`), "resources[0].entity", "write data;"},
		{"entity of the response", `{"entity": "response.data"}`, "entity", "write data;"},
		{"a predicate's path as in an expression", project(`, "emit": [{"scope": "project.b", "when": "changed(\"a\", \"entity.status\")"}]`), "resources[0].emit[0].when", `write "status"; for a field that is called entity write "\\entity.status"`},
		{"a predicate's paths in one text", project(`, "emit": [{"scope": "project.b", "when": "changed(\"a, b\")"}]`), "resources[0].emit[0].when", "each path in quotes of its own"},
		{"success", project(`, "success": "after.x"`), "resources[0].success", "after"},
		{"success by its number", project(`, "success": "200"`), "resources[0].success", "200 is no condition, and never true: write response.status == 200"},
		{"a constant condition", project(`, "emit": [{"scope": "a.b", "when": "\"done\""}]`), "resources[0].emit[0].when", "never true: compare it"},
		{"a name of payloads", project(`, "emit": [{"scope": "a.b", "when": "previous.status == \"a\""}]`), "resources[0].emit[0].when", "write before.FIELD for an old value"},
		{"capital words", project(`, "emit": [{"scope": "a.b", "when": "changed(\"a\") AND changed(\"b\")"}]`), "resources[0].emit[0].when", "in small letters"},
		{"redact with brackets", project(`, "redact": ["people[].email"]`), "resources[0].redact", `write * for any element of an array, or its number, as a name of its own: people.*.email; for a bracket in a name write \[`},
		{"redact with a star in brackets", `{"redact": ["people[*].email"]}`, "redact", ": people.*.email;"},
		{"redact as one text of JSON", `{"redact": ["[\"a\"]"]}`, "redact", ": a;"},
		{"redact as a pointer", `{"redact": ["/people/email"]}`, "redact", `joined by dots: write people.email; for a slash that begins a name write \/`},
		{"ignore with brackets", project(`, "ignore": ["lines[0].at"]`), "resources[0].ignore", "lines.0.at;"},
		{"redact as a list of JSON", `{"redact": ["[\"a\",\"b\"]"]}`, "redact", "write a b;"},
		{"method", project(`, "on": [{"method": "post", "path": "x"}]`), "resources[0].on[0].method", "in capitals"},
		{"safe method", project(`, "on": [{"method": "GET", "path": "x"}]`), "resources[0].on[0].method", "never captured"},
		{"operation", project(`, "on": [{"method": "POST", "path": "x", "operation": "made"}]`), "resources[0].on[0].operation", "write create, update, delete, upsert"},
		{"when without a scope", project(`, "on": [{"method": "POST", "path": "x", "when": "true"}]`), "resources[0].on[0].when", "name the scope"},
		{"unknown without a scope", project(`, "on": [{"method": "POST", "path": "x", "unknown": "emit"}]`), "resources[0].on[0].unknown", "name a scope"},
		{"scope with a parameter of another path", `{"on": [{"method": "POST", "path": "/x/{a}", "scope": "x.{b}"}]}`, "on[0].scope", "/x/{a} has no {b}"},
		{"route without the name's parameter", `{"resources": [{"name": "{kind}", "path": "/items/{kind}", "on": [{"method": "POST", "path": "/all", "operation": "create"}]}]}`, "resources[0].on[0].path", "write a path with {kind}"},
		{"item without the name's parameter", `{"resources": [{"name": "{kind}", "path": "/items/{kind}", "item": "/items/{id}"}]}`, "resources[0].item", "write a path with {kind}"},
		{"attributes of nothing outside", `{"on": [{"method": "POST", "path": "/x", "attributes": [{"key": "a", "expr": "id"}], "emit": [{"scope": "a.b"}]}]}`, "on[0]", "block of an emit line"},
		{"an operation where the path stands", project(`, "on": [{"method": "POST", "path": "create"}]`), "resources[0].on[0].path", "create stands where the path does, and so means POST /api/projects/create: write on POST /api/projects create if"},
		{"paths with a bar", project(`, "on": [{"method": "POST", "path": "{id}/pay|void"}]`), "resources[0].on[0].path", "a line for each, or a parameter like {action}"},
		{"a line that nothing comes of", project(`, "on": [{"method": "POST", "path": "{id}", "attributes": [{"key": "x", "expr": "id"}]}, {"method": "POST", "path": "{id}", "scope": "project.shut", "when": "became(\"status\", \"shut\")"}]`),
			"resources[0].on[1]", "project.shut takes the place of the plain scope, so that nothing comes of the other: write one line with emit project.shut in its block"},
		{"attributes of all twice", `{"attributes": [{"key": "x", "expr": "id"}, {"key": "x", "expr": "id"}]}`, "attributes[1]", "stands twice"},
		{"attributes of a resource", project(`, "attributes": [{"key": "x", "expr": "afterwards.x"}]`), "resources[0].attributes[0].expr", "afterwards"},
		{"operation outside", `{"on": [{"method": "POST", "path": "/x", "operation": "create", "scope": "a.b"}]}`, "on[0].operation", "inside one"},
		{"nothing earned outside", `{"on": [{"method": "POST", "path": "/x"}]}`, "on[0]", "add emit"},
		{"instead outside", `{"on": [{"method": "POST", "path": "/x", "scope": "a.b", "emit": [{"scope": "a.c", "instead": true}]}]}`, "on[0].emit[0]", "for resources"},
		{"a change outside", `{"on": [{"method": "POST", "path": "/x", "scope": "a.b", "when": "changed(\"y\")"}]}`, "on[0]", "a.b is earned by a call that is about no resource, and nothing is known from before it: write the line into a resource"},
		{"before outside", `{"on": [{"method": "POST", "path": "/x", "emit": [{"scope": "a.b"}, {"scope": "a.c", "when": "before.y == 1"}]}]}`, "on[0]", "a.c is earned by a call that is about no resource"},
		{"emit on a delete", project(`, "on": [{"method": "DELETE", "path": "{id}", "operation": "delete", "emit": [{"scope": "a.c"}]}]`), "resources[0].on[0].emit", "on its own line"},
		{"a delete without its operation", project(`, "on": [{"method": "DELETE", "path": "{project}", "scope": "project.removed"}]`), "resources[0].on[0]", "DELETE /api/projects/{project} is where a project is deleted, and without an operation this line makes it an update: write on DELETE {project} delete emit project.removed, or update if that is meant"},
		{"a create without its operation", project(`, "on": [{"method": "POST", "path": "/api/projects", "each": "request.body.items"}]`), "resources[0].on[0]", "is where a project is created, and without an operation this line makes it an update: write on POST /api/projects create, or update"},
		{"the path of one", `{"resources": [{"name": "order", "path": "/api/orders/{id}"}]}`, "resources[0].path", "one has {id} below it: write /api/orders, or singular"},
		{"the path of one as item", `{"resources": [{"name": "order", "path": "/api/orders/{order}", "item": "/api/orders/{order}"}]}`, "resources[0].path", "one has {order} below it: write /api/orders, or singular"},
		{"two operations", project(`, "on": [{"method": "POST", "path": "x", "operation": "create"}, {"method": "POST", "path": "x"}]`), "resources[0].on[1]", "one thing"},
		{"two resources on a route", `{"resources": [{"name": "a", "path": "/x/{y}"}, {"name": "b", "path": "/x/{z}"}]}`, "resources[1].path", "resource b is as specific as POST /x/{y} of resource a"},
		{"a name twice", `{"resources": [{"name": "a", "path": "/x"}, {"name": "a", "path": "/y"}]}`, "resources[1].name", "declared twice"},
		{"a route outside and inside", `{"resources": [{"name": "a", "path": "/x"}], "on": [{"method": "POST", "path": "/x", "scope": "b.c"}]}`, "on[0]", "as specific as"},
		{"verbs", `{"verbs": ["a", "b"]}`, "verbs", "three words"},
		{"verb", `{"verbs": ["a", "b", "c.d"]}`, "verbs[2]", "like created"},
		{"override", `{"override": {}}`, "override", "either a header"},
		{"skip header that is a credential", `{"skip_header": "Cookie"}`, "skip_header", "the header Cookie may hold a credential, and those are never kept"},
		{"override that is a credential", `{"override": {"header": "Authorization"}}`, "override.header", "the header Authorization may hold a credential"},
		{"tenant that is a credential", `{"tenant": "{http.request.header.X-Api-Key}"}`, "tenant", "the header X-Api-Key may hold a credential, and those are never kept; use what Caddy's authentication found out, like {http.auth.user.id}"},
		{"actor that is a parameter", `{"actor": "{http.request.uri.query.access_token}"}`, "actor", "the parameter access_token may hold a credential"},
		{"actor that is a cookie", `{"actor": "{http.request.cookie.session}"}`, "actor", "the cookie session may hold a credential"},
		{"skip header", `{"skip_header": "a b"}`, "skip_header", "Webhook-Skip-Key"},
		{"credential", project(`, "emit": [{"scope": "a.b", "when": "request.header[\"X-Api-Key\"] == \"k\""}]`), "resources[0].emit[0].when", "credential"},
		{"tenant from the body", `{"tenant": "request.body.space"}`, "tenant", "not known for a delete"},
		{"actor of itself", `{"actor": "actor"}`, "actor", "itself"},
		{"trust", project(`, "trust": "-1m"`), "resources[0].trust", "like 10m"},
		{"attribute", project(`, "emit": [{"scope": "a.b", "attributes": [{"key": "x"}]}]`), "resources[0].emit[0].attributes[0]", "expression or a block"},
		{"related", project(`, "emit": [{"scope": "a.b", "related": [{"name": "x"}]}]`), "resources[0].emit[0].related[0]", "related label item"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var config rules.Config
			if err := json.Unmarshal([]byte(c.config), &config); err != nil {
				t.Fatal(err)
			}
			_, err := rules.Compile(&config)
			var wrong *rules.ConfigError
			if !errors.As(err, &wrong) {
				t.Fatalf("got %v, want a ConfigError", err)
			}
			if wrong.Path != c.path || !strings.Contains(wrong.Problem, c.says) {
				t.Errorf("got %v\nwant %s: … %s …", err, c.path, c.says)
			}
		})
	}
}

func TestCanonicalReadsBackTheSame(t *testing.T) {
	var c, again rules.Config
	if err := json.Unmarshal([]byte(shop), &c); err != nil {
		t.Fatal(err)
	}
	first := c.Canonical()
	if err := json.Unmarshal(first, &again); err != nil {
		t.Fatal(err)
	}
	if string(again.Canonical()) != string(first) || len(first) < 100 {
		t.Errorf("got %s, want %s", again.Canonical(), first)
	}
}

package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sidehook/sidehook/internal/openapi"
)

// describe returns r as an operation; what it may answer with is added to
// responses.
func (r *apiRoute) describe(schemas *openapi.Schemas, responses map[string]*openapi.Response, operator bool) *openapi.Operation {
	op := &openapi.Operation{ID: r.id, Summary: r.about, Description: r.more, Responses: map[string]*openapi.Response{}}
	op.Tags = []string{strings.SplitN(r.path, "/", 2)[0]}
	op.Parameters = r.parameters(operator)
	if r.body != "" {
		op.Body = &openapi.RequestBody{
			Required: !r.optional,
			Content:  map[string]openapi.Media{"application/json": {Schema: openapi.Ref(r.body)}},
		}
	}
	op.Responses[strconv.Itoa(r.status)] = r.describeAnswer(schemas)
	for _, status := range r.problems(operator) {
		name := strings.ReplaceAll(http.StatusText(status), " ", "")
		responses[name] = &openapi.Response{
			Description: aboutStatus[status],
			Content:     map[string]openapi.Media{"application/problem+json": {Schema: openapi.Ref("Problem")}},
		}
		if status == http.StatusTooManyRequests {
			responses[name].Headers = map[string]*openapi.Header{
				"Retry-After": {Description: "Seconds to wait.", Schema: &jsonschema.Schema{Type: "integer", Minimum: new(1.0)}},
			}
		}
		op.Responses[strconv.Itoa(status)] = &openapi.Response{Ref: "#/components/responses/" + name}
	}
	return op
}

// aboutStatus says what each refusal means.
var aboutStatus = map[int]string{
	400: "The body or a parameter cannot be read.",
	401: "It is not known who calls.",
	403: "It is not known for which tenant, or the call comes from a page of another origin.",
	404: "There is none, or it is somebody else's.",
	409: "It stands in the Caddyfile, somebody else has changed it, there are too many, or it is not in a state for that.",
	412: "It is another version than If-Match says.",
	413: "The body is too large.",
	415: "The body is no JSON.",
	422: "A field is not right; all that are not are told.",
	429: "It comes too soon after others: Retry-After says how many seconds to wait.",
	500: "It went wrong here.",
	503: "Sidehook is starting or stopping.",
	507: "The disk is full: nothing was kept.",
}

// problems returns the statuses with which r may refuse.
func (r *apiRoute) problems(operator bool) []int {
	all := append([]int{400, 403, 500, 503}, r.refuses...)
	if !operator {
		all = append(all, 401)
	}
	if strings.Contains(r.path, "{id}") {
		all = append(all, 404)
	}
	if r.versioned {
		all = append(all, 412)
	}
	if r.writes() {
		all = append(all, 413, 415, 422)
	}
	if r.method != http.MethodGet {
		all = append(all, 507)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (r *apiRoute) parameters(operator bool) (all []*openapi.Parameter) {
	text := &jsonschema.Schema{Type: "string"}
	add := func(in, name, about string, schema *jsonschema.Schema) {
		all = append(all, &openapi.Parameter{Name: name, In: in, Description: about, Required: in == "path", Schema: schema})
	}
	if strings.Contains(r.path, "{id}") {
		add("path", "id", "Id of the "+strings.TrimSuffix(strings.SplitN(r.path, "/", 2)[0], "s")+".", text)
	}
	for _, p := range r.query {
		add("query", p.Name, p.About, p.Schema)
	}
	if operator {
		add("query", "dir", "The data directory, where several are open.", text)
	}
	if r.versioned {
		add("header", "If-Match", "Do it to this version (ETag) only; else it is a 412.", text)
	}
	if r.repeats {
		add("header", "Idempotency-Key", "A repeat with the same key and body within 24 hours gets the same answer; with another body it is a 422.",
			&jsonschema.Schema{Type: "string", MinLength: new(1), MaxLength: new(255)})
	}
	return all
}

// describeAnswer describes the answer when all went well.
func (r *apiRoute) describeAnswer(schemas *openapi.Schemas) *openapi.Response {
	text := &jsonschema.Schema{Type: "string"}
	out := &openapi.Response{Description: r.about + "."}
	header := func(name, about string) {
		if out.Headers == nil {
			out.Headers = map[string]*openapi.Header{}
		}
		out.Headers[name] = &openapi.Header{Description: about, Schema: text}
	}
	if r.shows == "Subscription" && !r.list {
		header("ETag", "The version: of the settings and the status. Subscriptions of the Caddyfile have none.")
	}
	if r.status == http.StatusCreated {
		header("Location", "Where it is.")
	}
	if r.repeats {
		header("Idempotent-Replayed", "`true`: it was done by an earlier call with this Idempotency-Key.")
	}
	if r.shows == "" {
		return out
	}
	shows := r.shows
	if r.list {
		shows += "List"
		schemas.Add(shows, &jsonschema.Schema{
			Type: "object", Required: []string{"data"}, PropertyOrder: []string{"data", "next"},
			Properties: map[string]*jsonschema.Schema{
				"data": {Type: "array", Items: openapi.Ref(r.shows), Description: "The page."},
				"next": {Type: "string", Description: "Cursor of the next page. While it is there, there may be more, also behind a page with little or nothing in it."},
			},
		})
	}
	out.Content = map[string]openapi.Media{"application/json": {Schema: openapi.Ref(shows)}}
	return out
}

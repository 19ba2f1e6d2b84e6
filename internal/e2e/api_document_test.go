package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// document is an OpenAPI document, and finds the operation of a call in it.
type document struct {
	doc    *openapi3.T
	router routers.Router
}

// somewhere is where a document is made to say that the API is.
const somewhere = "http://api.example.com"

// readDocument reads what is served as the document of the API at a path.
func readDocument(t *testing.T, raw []byte, path string) *document {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background(), openapi3.IsOpenAPI31OrLater()); err != nil {
		t.Fatal(err)
	}
	if len(doc.Servers) != 1 || doc.Servers[0].URL != path {
		t.Errorf("the document says that the API is at %v, not at %s", doc.Servers, path)
	}
	closeObjects(doc)
	doc.Servers = openapi3.Servers{{URL: somewhere}}
	router, err := legacy.NewRouter(doc, openapi3.IsOpenAPI31OrLater())
	if err != nil {
		t.Fatal(err)
	}
	return &document{doc, router}
}

// closeObjects lets no answer have a field that the document does not tell of:
// clients have to pass over those, but ours are all to be told.
func closeObjects(doc *openapi3.T) {
	no := false
	for _, s := range doc.Components.Schemas {
		if len(s.Value.Properties) > 0 {
			s.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &no}
		}
	}
}

// hold holds an answer against the document, and returns "operation status"; "" if
// the document has no such operation. With asked, the call is held against it too,
// unless it was refused.
func (d *document) hold(t *testing.T, method, path, body string, header []string, a answer, asked bool) (name string) {
	t.Helper()
	req, err := http.NewRequest(method, somewhere+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	setHeaders(req, body, header)
	route, params, err := d.router.FindRoute(req)
	if err != nil {
		if a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed {
			t.Errorf("%s %s is answered %d, and is not in the document: %v", method, path, a.status, err)
		}
		return ""
	}
	name = fmt.Sprintf("%s %d", route.Operation.OperationID, a.status)
	options := &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: options}
	if asked && a.status < 300 {
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			t.Errorf("%s: a call that the document does not allow is accepted: %v", name, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader([]byte(a.raw))), Options: options,
	}
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		t.Errorf("%s: the answer is not what the document says: %v\n%s", name, err, a.raw)
	}
	return name
}

// documents are those of the API for its callers and for the operator, by the path
// at which it is. Whoever makes the first call reads them. (What may be asked differs
// by configuration, so it is left to TestContract.)
var documents struct {
	mu sync.Mutex
	of map[string]*document
}

// held holds an answer of the subscription API against its document, whatever it
// was that was tested; answers of others are left alone.
func held(t *testing.T, method, url, body string, header []string, a answer) {
	t.Helper()
	for _, at := range []string{"/webhooks", "/sidehook/api"} {
		host, path, is := strings.Cut(url, at+"/")
		if !is || strings.HasPrefix(path, "openapi.json") {
			continue
		}
		documents.mu.Lock()
		d := documents.of[at]
		if d == nil {
			req, err := http.NewRequest(http.MethodGet, host+at+"/openapi.json", nil)
			if err != nil {
				t.Fatal(err)
			}
			setHeaders(req, "", header)
			if status, raw := read(t, req); status == http.StatusOK {
				d = readDocument(t, raw, at)
				if documents.of == nil {
					documents.of = map[string]*document{}
				}
				documents.of[at] = d
			}
		}
		documents.mu.Unlock()
		if d != nil {
			d.hold(t, method, "/"+path, body, header, a, false)
		}
	}
}

func read(t *testing.T, req *http.Request) (status int, raw []byte) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if raw, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, raw
}

// setHeaders sets names and values in turn; a body is JSON unless they say
// otherwise.
func setHeaders(req *http.Request, body string, header []string) {
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
}

package crud_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/examples/crud"
)

// clock stands still, so that answers can be compared whole.
func clock() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

const roof = `{"id":1001,"name":"Roof","status":"planned","owner":{"id":7,"name":"Mara Lind"},` +
	`"budget":{"amount":15000.00,"spent":0.00,"currency":"EUR","used_percent":0},"tags":["steel"],` +
	`"start_date":null,"notes":"","created_at":"2026-03-02T09:00:00.000Z","updated_at":"2026-03-02T09:00:00.000Z"}` + "\n"

const newRoof = `{"name":"Roof","owner":{"id":7,"name":"Mara Lind"},"budget":{"amount":15000.00},"tags":["steel"]}`

func call(api http.Handler, line, body string, headers ...string) *httptest.ResponseRecorder {
	method, path, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	return w
}

// withRoof returns an API that holds project 1001.
func withRoof(t *testing.T, o crud.Options) *crud.API {
	t.Helper()
	o.Now = clock
	api := crud.New(o)
	want(t, call(api, "POST /api/projects", newRoof), 201, roof)
	return api
}

func want(t *testing.T, got *httptest.ResponseRecorder, code int, body string) {
	t.Helper()
	if got.Code != code {
		t.Fatalf("status %d, want %d; body %s", got.Code, code, got.Body)
	}
	if diff := cmp.Diff(body, got.Body.String()); diff != "" {
		t.Fatalf("body (-want +got):\n%s", diff)
	}
}

func TestCreateAnswersWithTheEntityAndWhereItIs(t *testing.T) {
	api := crud.New(crud.Options{Now: clock})
	got := call(api, "POST /api/projects", newRoof)
	want(t, got, 201, roof)
	if location := got.Header().Get("Location"); location != "/api/projects/1001" {
		t.Errorf("Location %q", location)
	}
	want(t, call(api, "GET /api/projects/1001", ""), 200, roof)
}

func TestPatchKeepsWhatItDoesNotName(t *testing.T) {
	api := withRoof(t, crud.Options{})
	got := call(api, "PATCH /api/projects/1001", `{"budget":{"spent":16200.5}}`)
	want(t, got, 200, strings.Replace(roof, `"spent":0.00,"currency":"EUR","used_percent":0`,
		`"spent":16200.50,"currency":"EUR","used_percent":108`, 1))
}

func TestPutReplacesTheWhole(t *testing.T) {
	api := withRoof(t, crud.Options{})
	got := call(api, "PUT /api/projects/1001", `{"name":"Roof 2"}`)
	want(t, got, 200, `{"id":1001,"name":"Roof 2","status":"planned","owner":null,`+
		`"budget":{"amount":0.00,"spent":0.00,"currency":"EUR","used_percent":0},"tags":[],"start_date":null,`+
		`"notes":"","created_at":"2026-03-02T09:00:00.000Z","updated_at":"2026-03-02T09:00:00.000Z"}`+"\n")
}

func TestUpdateWithoutContent(t *testing.T) {
	api := withRoof(t, crud.Options{NoContent: []string{"project"}})
	want(t, call(api, "PATCH /api/projects/1001", `{"status":"active"}`), 204, "")
	got := call(api, "GET /api/projects/1001", "")
	want(t, got, 200, strings.Replace(roof, "planned", "active", 1))
}

func TestDeleteLeavesNothing(t *testing.T) {
	api := withRoof(t, crud.Options{})
	want(t, call(api, "DELETE /api/projects/1001", ""), 204, "")
	for _, line := range []string{"GET", "PATCH", "PUT", "DELETE"} {
		want(t, call(api, line+" /api/projects/1001", `{"name":"x"}`), 404, `{"error":"no project 1001"}`+"\n")
	}
}

func TestTasksBelongToAProject(t *testing.T) {
	api := withRoof(t, crud.Options{})
	task := `{"id":1,"project_id":1001,"title":"Order steel","status":"open","assignee":null,"labels":[],` +
		`"due_date":null,"created_at":"2026-03-02T09:00:00.000Z","updated_at":"2026-03-02T09:00:00.000Z"}`
	got := call(api, "POST /api/projects/1001/tasks", `{"title":"Order steel"}`)
	want(t, got, 201, task+"\n")
	if location := got.Header().Get("Location"); location != "/api/tasks/1" {
		t.Errorf("Location %q", location)
	}
	want(t, call(api, "GET /api/projects/1001/tasks", ""), 200, `{"data":[`+task+`],"total":1}`+"\n")
	want(t, call(api, "DELETE /api/projects/1001", ""), 409, `{"error":"the project has open tasks"}`+"\n")
	want(t, call(api, "POST /api/projects/9/tasks", `{"title":"x"}`), 404, `{"error":"no project 9"}`+"\n")
	want(t, call(api, "POST /api/tasks", `{"title":"x"}`), 400, `{"error":"project_id names no project"}`+"\n")
}

func TestRefusedCallsChangeNothing(t *testing.T) {
	api := withRoof(t, crud.Options{})
	for body, problem := range map[string]string{
		`{`:                    "the body is not what is expected here: unexpected EOF",
		`{"nme":"x"}`:          "there is no field nme",
		`{} {}`:                "the body holds more than one JSON value",
		`{"name":" "}`:         "name is missing",
		`{"status":"burning"}`: "status is one of planned, active, on_hold, done",
	} {
		want(t, call(api, "PATCH /api/projects/1001", body), 400, `{"error":"`+problem+`"}`+"\n")
	}
	want(t, call(api, "GET /api/projects/1001", ""), 200, roof)
}

func TestETags(t *testing.T) {
	api := withRoof(t, crud.Options{})
	tag := call(api, "GET /api/projects/1001", "").Header().Get("ETag")
	want(t, call(api, "GET /api/projects/1001", "", "If-None-Match", tag), 304, "")
	call(api, "PATCH /api/projects/1001", `{"notes":"x"}`, "If-Match", tag)
	want(t, call(api, "PATCH /api/projects/1001", `{}`, "If-Match", tag), 412,
		`{"error":"it has changed since: its ETag is \"v2\""}`+"\n")
	want(t, call(api, "DELETE /api/projects/1001", "", "If-Match", tag), 412,
		`{"error":"it has changed since: its ETag is \"v2\""}`+"\n")
}

func TestListIsCutByOffsetAndLimit(t *testing.T) {
	api := crud.New(crud.Options{Now: clock})
	for i := range 3 {
		call(api, "POST /api/contacts", fmt.Sprintf(`{"name":"c%d"}`, i))
	}
	got := call(api, "GET /api/contacts?offset=1&limit=1", "").Body.String()
	if !strings.Contains(got, `"c1"`) || strings.Contains(got, `"c2"`) || !strings.HasSuffix(got, `"total":3}`+"\n") {
		t.Errorf("got %s", got)
	}
}

func TestConcurrentUpdatesAllCount(t *testing.T) {
	api := withRoof(t, crud.Options{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				call(api, "PATCH /api/projects/1001", fmt.Sprintf(`{"owner":{"id":%d}}`, i))
				call(api, "GET /api/projects", "")
			}
		})
	}
	wg.Wait()
	if tag := call(api, "GET /api/projects/1001", "").Header().Get("ETag"); tag != `"v401"` {
		t.Errorf("ETag %s after 400 updates", tag)
	}
}

package e2e

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// full is what the payload full says beside the standard one, of what is tested.
type full struct {
	Provenance struct {
		Before     string `json:"before"`
		After      string `json:"after"`
		Confidence string `json:"confidence"`
	} `json:"provenance"`
	Gap *struct {
		Reason string `json:"reason"`
	} `json:"gap"`
}

// fullOf returns what the payload full says in a.
func fullOf(t *testing.T, a arrival) (f full) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Raw), &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// packed returns text in the codings, the first one first.
func packed(t *testing.T, text string, codings ...string) []byte {
	t.Helper()
	data := []byte(text)
	for _, coding := range codings {
		var out bytes.Buffer
		var w io.WriteCloser
		switch coding {
		case "gzip":
			w = gzip.NewWriter(&out)
		case "deflate":
			w = zlib.NewWriter(&out)
		case "raw deflate":
			w, _ = flate.NewWriter(&out, 9)
		case "br":
			w = brotli.NewWriter(&out)
		case "zstd":
			w, _ = zstd.NewWriter(&out)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		data = out.Bytes()
	}
	return data
}

// Whatever an answer is packed in, its client gets it as it was sent, and what
// it says is known; what cannot be unpacked is fetched instead.
func TestAcceptanceHAnswersInEveryCoding(t *testing.T) {
	entity := func(name string) string {
		return fmt.Sprintf(`{"id":"%s","name":"new","status":"open","owner":"ann","due":null}`, name)
	}
	answers := map[string]struct {
		said  string
		body  []byte
		after string
	}{
		"plain":    {"", []byte(entity("plain")), "response"},
		"gzip":     {"gzip", packed(t, entity("gzip"), "gzip"), "response"},
		"xgzip":    {"X-GZIP", packed(t, entity("xgzip"), "gzip"), "response"},
		"deflate":  {"deflate", packed(t, entity("deflate"), "deflate"), "response"},
		"raw":      {"deflate", packed(t, entity("raw"), "raw deflate"), "response"},
		"br":       {"br", packed(t, entity("br"), "br"), "response"},
		"zstd":     {"zstd", packed(t, entity("zstd"), "zstd"), "response"},
		"stacked":  {"gzip, br", packed(t, entity("stacked"), "gzip", "br"), "response"},
		"nothing":  {"identity", []byte(entity("nothing")), "response"},
		"unknown":  {"dcb", []byte(entity("unknown")), "fetch"},
		"lying":    {"br", []byte(entity("lying")), "fetch"},
		"silent":   {"", packed(t, entity("silent"), "gzip"), "fetch"},
		"cut":      {"gzip", packed(t, entity("cut"), "gzip")[:40], "fetch"},
		"bomb":     {"gzip", packed(t, entity("bomb")[:10]+strings.Repeat(" ", 60<<20), "gzip"), "fetch"},
		"deep":     {"gzip, gzip, gzip, gzip, gzip", packed(t, entity("deep"), "gzip", "gzip", "gzip", "gzip", "gzip"), "fetch"},
		"toolarge": {"", []byte(entity("toolarge") + strings.Repeat(" ", 1<<20)), "fetch"},
	}
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		w.Header().Set("Content-Type", "application/json")
		if r.Method == "GET" {
			io.WriteString(w, entity(name))
			return
		}
		a := answers[name]
		if a.said != "" {
			w.Header().Set("Content-Encoding", a.said)
		}
		if r.Header.Get("X-Chunked") != "" {
			http.NewResponseController(w).Flush()
		}
		w.Write(a.body)
	}))
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\tpayload full"), projects, api.URL))
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	for name, a := range answers {
		for _, chunked := range []string{"", "yes"} {
			r, err := http.NewRequest("PATCH", p.site+"/api/projects/"+name, strings.NewReader(`{"name":"new"}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept-Encoding", "gzip, br, zstd, deflate")
			r.Header.Set("X-Chunked", chunked)
			res, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || !bytes.Equal(got, a.body) || res.Header.Get("Content-Encoding") != a.said {
				t.Errorf("%s: the client got %d bytes in %q (%v), want %d", name, len(got), res.Header.Get("Content-Encoding"), err, len(a.body))
			}
		}
	}
	for _, a := range crm.wait(len(answers)) { // the second call of each changes nothing
		want := answers[a.Body.Entity.ID].after
		if got := fullOf(t, a).Provenance; got.After != want || got.Confidence != "observed" {
			t.Errorf("%s: %+v, want it known by %s", a.Body.Entity.ID, got, want)
		}
		wantField(t, a.Body.Data, "name", `"new"`)
	}
	until(t, "all is settled", p.settled)
	if got := len(crm.took()); got != len(answers) {
		t.Errorf("%d webhooks for %d changes", got, len(answers))
	}
}

// asked is a request whose body is sent in some way.
type asked struct {
	method, kind, coding string
	body                 []byte
	chunked, expect      bool
	after, want          string // how it is known, and the status then; "none", "": there is a gap
}

// Whatever a request is packed in, and however it is sent, the API gets it as it
// was, and what it says is known where nothing else tells.
func TestRequestsInEveryCoding(t *testing.T) {
	const jsonKind = "application/json"
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	parts.WriteField("status", "by parts")
	file, _ := parts.CreateFormFile("logo", "a.png")
	file.Write([]byte("secret bytes"))
	parts.Close()
	calls := []asked{
		{"PATCH", jsonKind, "", []byte(`{"status":"plain"}`), false, false, "computed", "plain"},
		{"PATCH", jsonKind, "", []byte(`{"status":"chunked"}`), true, false, "computed", "chunked"},
		{"PATCH", jsonKind, "", []byte(`{"status":"expected"}`), false, true, "computed", "expected"},
		{"PATCH", jsonKind, "gzip", packed(t, `{"status":"gzip"}`, "gzip"), false, false, "computed", "gzip"},
		{"PATCH", jsonKind, "br, zstd", packed(t, `{"status":"stacked"}`, "br", "zstd"), true, true, "computed", "stacked"},
		{"PATCH", "application/x-www-form-urlencoded", "", []byte("status=by+form"), false, false, "computed", "by form"},
		{"PATCH", parts.FormDataContentType(), "", form.Bytes(), true, false, "computed", "by parts"},
		{"PATCH", jsonKind, "", []byte(`{"status":"large"` + strings.Repeat(" ", 2<<20) + "}"), true, false, "none", ""},
	}
	var mu sync.Mutex
	var got [][]byte
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case "GET":
			http.Error(w, "not for you", http.StatusForbidden)
		case "PUT":
			w.Header().Set("Content-Type", jsonKind)
			io.WriteString(w, `{"id":"5","status":"new","logo":"1.png","owner":"ann","due":null}`)
		default:
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			got = append(got, body)
			mu.Unlock()
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.** project.gap\n\t\t\tpayload full"), projects, api.URL))
	p.call("PUT", "/api/projects/5", `{"status":"new"}`)
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: 20 * time.Second}}
	defer client.CloseIdleConnections()
	for i, c := range calls {
		c.send(t, client, p.site+"/api/projects/5")
		mu.Lock()
		if len(got) != i+1 || !bytes.Equal(got[i], c.body) {
			t.Errorf("the API did not get %s as it was sent", c.want)
		}
		mu.Unlock()
	}
	events := crm.wait(1 + len(calls))[1:]
	for i, c := range calls {
		if f := fullOf(t, events[i]); f.Provenance.After != c.after {
			t.Errorf("%s: %+v, want it known by %s", c.want, f.Provenance, c.after)
		}
		if gap := events[i].Body.Type == "project.gap"; gap != (c.after == "none") {
			t.Errorf("%s: %s", c.want, events[i].Raw)
		}
		if c.want != "" {
			wantField(t, events[i].Body.Data, "status", `"`+c.want+`"`)
		}
		if strings.Contains(events[i].Raw, "secret bytes") {
			t.Errorf("the bytes of a file are in %s", events[i].Raw)
		}
	}
}

func (c *asked) send(t *testing.T, client *http.Client, url string) {
	t.Helper()
	body := io.Reader(bytes.NewReader(c.body))
	if c.chunked {
		body = io.MultiReader(body)
	}
	r, err := http.NewRequest(c.method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", c.kind)
	if c.coding != "" {
		r.Header.Set("Content-Encoding", c.coding)
	}
	if c.expect {
		r.Header.Set("Expect", "100-continue")
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		t.Errorf("%s: status %d", c.want, res.StatusCode)
	}
}

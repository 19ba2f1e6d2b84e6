package hosts

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/receiver"
	"github.com/sidehook/sidehook/internal/proc"
)

// secret is what the recipes' subscription signs with.
const secret = "whsec_c2lkZWhvb2staG9zdHMtc2VjcmV0LTAxMjM0NTY3ODk="

// stage is an application with Sidehook in front of it and a receiver behind it.
type stage struct {
	t     *testing.T
	app   string // the application itself
	site  string // the application, through Sidehook
	admin string
	crm   *receiver.Receiver
	proxy *proc.Process
	run   func() *proc.Process // starts Sidehook on the same addresses and data
}

// behind puts Sidehook, configured by a Caddyfile, in front of the application
// that listens at app.
func behind(t *testing.T, caddyfile, app string) *stage {
	t.Helper()
	crm, err := receiver.New(secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(crm)
	t.Cleanup(endpoint.Close)
	config, err := filepath.Abs(caddyfile)
	if err != nil {
		t.Fatal(err)
	}
	ports, dir := freePorts(t, 2), t.TempDir()
	s := &stage{
		t: t, app: app, site: "http://localhost:" + ports[0], admin: "http://localhost:" + ports[1], crm: crm,
	}
	s.run = func() *proc.Process {
		p := start(t, dir, s.admin+"/sidehook/health", []string{
			"PORT=" + ports[0], "ADMIN_PORT=" + ports[1], "API_PORT=" + port(t, app), "CRM_PORT=" + port(t, endpoint.URL),
			"CRM_SECRET=" + secret, "DATA_DIR=" + filepath.Join(dir, "data"), "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir,
		}, binary, "run", "--config", config, "--adapter", "caddyfile")
		until(t, "the site takes connections", func() bool {
			resp, err := http.Get(s.site)
			if err != nil {
				return false
			}
			resp.Body.Close()
			return true
		})
		return p
	}
	s.proxy = s.run()
	return s
}

// killed ends Sidehook as a power cut would end its process, and starts it again.
func (s *stage) killed() {
	s.t.Helper()
	s.proxy.Kill()
	s.proxy = s.run()
}

func recipe(name string) string { return filepath.Join("../../examples/hosts", name, "Caddyfile") }

// recipeWithout returns a copy of a recipe that lacks a line.
func recipeWithout(t *testing.T, name, line string) string {
	t.Helper()
	text, err := os.ReadFile(recipe(name))
	if err != nil {
		t.Fatal(err)
	}
	less := strings.Replace(string(text), line+"\n", "\n", 1)
	if less == string(text) {
		t.Fatalf("the recipe of %s has no line %q", name, line)
	}
	file := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(file, []byte(less), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func port(t *testing.T, base string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// client calls one address with the same headers each time.
type client struct {
	t      *testing.T
	base   string
	header []string // names and values in turn
}

func (s *stage) client(header ...string) *client { return &client{s.t, s.site, header} }

// direct returns a client of the application itself: what it does, Sidehook
// does not see.
func (s *stage) direct(header ...string) *client { return &client{s.t, s.app, header} }

// does makes a call and fails the test unless it is answered with that status.
// It returns the answer's body.
func (c *client) does(status int, method, path, body string, header ...string) string {
	c.t.Helper()
	got, answer := c.call(method, path, body, header...)
	if got != status {
		c.t.Errorf("%s %s %s: answered %d, want %d: %s", method, path, body, got, status, answer)
	}
	return answer
}

func (c *client) call(method, path, body string, header ...string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	header = append(append([]string(nil), c.header...), header...)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, string(answer)
}

// field returns a field of a JSON object as text, without quotes.
func field(t *testing.T, object, name string) string {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &fields); err != nil {
		t.Fatalf("%v: %s", err, object)
	}
	return strings.Trim(string(fields[name]), `"`)
}

// events waits until everything is derived and delivered, and returns the
// webhooks that arrived, in order. None may have come twice.
func (s *stage) events() []receiver.Event {
	s.t.Helper()
	events, repeats := s.arrived()
	for _, a := range repeats {
		s.t.Errorf("a webhook came twice: %s", a.Line())
	}
	return events
}

// arrived is events, with those apart that came a second time.
func (s *stage) arrived() (events []receiver.Event, repeats []receiver.Arrival) {
	s.t.Helper()
	until(s.t, "everything is derived and delivered", s.settled)
	arrivals, _ := s.crm.Arrivals()
	for _, a := range arrivals {
		switch {
		case !a.Accepted():
			s.t.Errorf("a webhook was refused: %s", a.Line())
		case a.Repeat:
			repeats = append(repeats, a)
		default:
			events = append(events, a.Event)
		}
	}
	return events, repeats
}

func (s *stage) settled() bool {
	resp, err := http.Get(s.admin + "/sidehook/health")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	var h struct {
		Pending, Underived uint64
		Unread             int64 `json:"unread_bytes"`
	}
	return json.NewDecoder(resp.Body).Decode(&h) == nil && h.Unread == 0 && h.Underived == 0 && h.Pending == 0
}

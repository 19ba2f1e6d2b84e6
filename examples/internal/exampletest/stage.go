package exampletest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/examples/internal/serve"
)

// patience bounds every wait for what must come.
const patience = 30 * time.Second

// Stage is an example on its feet.
type Stage struct {
	Site  string // where Sidehook answers for the API
	Admin string // host:port of Caddy's admin endpoint

	t         *testing.T
	dir       string
	env       []string
	receivers map[string]*receiver // by the subscription's name
	proxy     *serve.Process
}

// Start starts the Caddyfile in the test's folder in front of api. env holds
// "NAME=value" of what it reads from the environment. Nothing in it is changed
// but where things are: the site's :8080, the API's localhost:3000, the URLs of
// subscriptions (those made through an API may be private), the admin endpoint
// and the store.
func Start(t *testing.T, api http.Handler, env ...string) *Stage {
	t.Helper()
	s := &Stage{t: t, dir: t.TempDir(), env: env, receivers: map[string]*receiver{}}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	admin, site := serve.FreePort(0), serve.FreePort(0)
	for site == admin {
		site = serve.FreePort(0)
	}
	s.Admin, s.Site = "localhost:"+admin, "http://localhost:"+site
	config := filepath.Join(s.dir, "Caddyfile")
	if err := os.WriteFile(config, []byte(s.configuration(server.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start(config)
	t.Cleanup(s.stop)
	return s
}

// subscribed matches the line of a subscription.
var subscribed = regexp.MustCompile(`(?m)^(\s*subscription (\S+)) \S+`)

// configuration is the example's Caddyfile with the test's addresses.
func (s *Stage) configuration(api string) string {
	s.t.Helper()
	shipped, err := os.ReadFile("Caddyfile")
	if err != nil {
		s.t.Fatal(err)
	}
	text := string(shipped)
	replace := func(old, new string) {
		s.t.Helper()
		if !strings.Contains(text, old) {
			s.t.Fatalf("the Caddyfile has no %q", old)
		}
		text = strings.ReplaceAll(text, old, new)
	}
	replace(":8080 {", "http://:"+s.Site[strings.LastIndexByte(s.Site, ':')+1:]+" {")
	if !strings.Contains(text, "localhost:3000") {
		s.t.Fatal("the Caddyfile has no localhost:3000")
	}
	text = strings.ReplaceAll(text, "localhost:3000", strings.TrimPrefix(api, "http://"))
	text = strings.ReplaceAll(text, "sidehook_api {", "sidehook_api {\n\t\t\tallow_private")
	text = "\n" + text
	replace("\n{\n\tsidehook {\n", "{\n\tadmin "+s.Admin+"\n\tgrace_period 1s\n\tsidehook {\n\t\tstore badger "+filepath.Join(s.dir, "data")+"\n")
	return subscribed.ReplaceAllStringFunc(text, func(line string) string {
		found := subscribed.FindStringSubmatch(line)
		s.receivers[found[2]] = receive(s.t, found[2])
		return found[1] + " " + s.receivers[found[2]].URL
	})
}

func (s *Stage) start(config string) {
	s.t.Helper()
	env := append(s.env, "XDG_CONFIG_HOME="+s.dir, "XDG_DATA_HOME="+s.dir, "HOME="+s.dir)
	p, err := serve.Start(filepath.Join(s.dir, "log"), env, os.Getenv(binary), "run", "--config", config, "--adapter", "caddyfile")
	if err == nil {
		s.proxy = p
		err = p.Ready("http://" + s.Admin + "/sidehook/health")
	}
	if err != nil {
		s.t.Fatal(err)
	}
	// Caddy starts its apps in no particular order.
	s.Until("the site answers", func() bool {
		resp, err := http.Get(s.Site)
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
}

func (s *Stage) stop() {
	if s.t.Failed() {
		s.t.Logf("sidehook's log ends with:\n%s", s.proxy.Tail())
	}
	if err := s.proxy.Stop(); err != nil {
		s.t.Error(err)
	}
}

// Play makes a call of the API through Sidehook, which must succeed, waits until
// all that comes of it has been told, and returns the webhooks: those of one
// receiver in the order of their arrival.
func (s *Stage) Play(method, path, body string, header ...string) []Webhook {
	s.t.Helper()
	status, answer := s.Call(method, path, body, header...)
	if status >= 400 {
		s.t.Fatalf("%s %s: %d: %s", method, path, status, answer)
	}
	return s.Told()
}

// Call makes a call of the API through Sidehook, and returns its answer. header
// holds names and values in turn.
func (s *Stage) Call(method, path, body string, header ...string) (status int, answer string) {
	s.t.Helper()
	return s.request(method, s.Site+path, body, header...)
}

// Manage makes a call of Sidehook's own API, under Caddy's admin endpoint.
func (s *Stage) Manage(method, path, body string) (status int, answer string) {
	s.t.Helper()
	return s.request(method, "http://"+s.Admin+"/sidehook/api"+path, body)
}

func (s *Stage) request(method, url, body string, header ...string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, url, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, url, err)
	}
	return resp.StatusCode, string(answer)
}

// Told waits until every call has been derived and every webhook delivered, and
// returns those that came since it was asked before.
func (s *Stage) Told() []Webhook {
	s.t.Helper()
	s.Until("everything is told", s.settled)
	return s.Arrived()
}

// Arrived returns the webhooks that came since it was asked before, without
// waiting for more.
func (s *Stage) Arrived() (all []Webhook) {
	for _, r := range s.receivers {
		all = append(all, r.take()...)
	}
	return all
}

// settled reports whether every call is derived, and nothing is owed to a
// subscription that is active.
func (s *Stage) settled() bool {
	var health struct {
		Underived uint64
		Unread    int64 `json:"unread_bytes"`
	}
	var subscriptions struct {
		Data []struct {
			Status  string
			Pending int
		}
	}
	_, answer := s.request(http.MethodGet, "http://"+s.Admin+"/sidehook/health", "")
	s.decode(answer, &health)
	_, answer = s.Manage(http.MethodGet, "/subscriptions", "")
	s.decode(answer, &subscriptions)
	for _, sub := range subscriptions.Data {
		if sub.Status == "active" && sub.Pending > 0 {
			return false
		}
	}
	return health.Unread == 0 && health.Underived == 0
}

func (s *Stage) decode(answer string, into any) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(answer), into); err != nil {
		s.t.Fatalf("%v: %s", err, answer)
	}
}

// Receiver returns the URL of a receiver that is no subscription's of the
// Caddyfile; there is one of each name.
func (s *Stage) Receiver(name string) string {
	s.t.Helper()
	if s.receivers[name] == nil {
		s.receivers[name] = receive(s.t, name)
	}
	return s.receivers[name].URL
}

// Answer changes what the receiver of a subscription answers from now on; 204
// at first.
func (s *Stage) Answer(subscription string, status int) {
	s.receivers[subscription].answer.Store(int64(status))
}

// React makes the receiver of a subscription do something with each webhook
// before it answers.
func (s *Stage) React(subscription string, do func(Webhook)) {
	s.receivers[subscription].react.Store(&do)
}

// Subscription returns how a subscription stands: its status and the reason.
func (s *Stage) Subscription(name string) (status, reason string) {
	s.t.Helper()
	code, answer := s.Manage(http.MethodGet, "/subscriptions/"+name, "")
	var got struct{ Status, Reason string }
	if code != http.StatusOK {
		s.t.Fatalf("subscription %s: %d: %s", name, code, answer)
	}
	s.decode(answer, &got)
	return got.Status, got.Reason
}

// Run runs a command of sidehook's own, like subscriptions resume crm, against
// the running server, and returns what it printed.
func (s *Stage) Run(args ...string) string {
	s.t.Helper()
	cmd := exec.Command(os.Getenv(binary), append(append([]string{"sidehook"}, args...), "--address", s.Admin)...)
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir, "XDG_DATA_HOME="+s.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("sidehook %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Until waits until ok, or fails the test.
func (s *Stage) Until(what string, ok func() bool) {
	s.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			s.t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}

// Names returns what name finds in each webhook, sorted as they came.
func Names(all []Webhook, name func(Webhook) string) []string {
	names := []string{}
	for _, w := range all {
		names = append(names, name(w))
	}
	return names
}

// String tells a webhook in one line.
func (w Webhook) String() string { return fmt.Sprintf("%s: %s", w.Subscription, w.Body) }

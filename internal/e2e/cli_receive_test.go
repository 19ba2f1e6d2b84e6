package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/sidehook/sidehook/examples/crud"
	"github.com/sidehook/sidehook/internal/proc"
)

// Listen forwards, signed, what is recorded from its start on, prints what was
// answered, a failure too, and goes on, across a restart, without a repeat.
func TestListenForwardsSignedEvents(t *testing.T) {
	api := serve(t, itemAPI())
	p := start(t, caddyfile("", "\t\tresource item /items", api.URL))
	p.call("PATCH", "/items/before", `{"n":1}`)
	wh, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var got []string
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := wh.Verify(body, r.Header); err != nil {
			t.Error(err)
		}
		var a arrival
		json.Unmarshal(body, &a.Body)
		mu.Lock()
		first := len(got) == 0
		got = append(got, a.Body.Type+" "+a.Body.Entity.ID)
		mu.Unlock()
		if first {
			w.Header().Set("Retry-After", "0") // it is not asked again all the same
			w.WriteHeader(503)
			return
		}
		w.WriteHeader(418)
		io.WriteString(w, "short and stout")
	}))
	t.Cleanup(local.Close)
	var out, errs proc.Log
	listen := p.command("listen", "--forward-to", local.URL, "--scope", "item.updated", "--secret", secret, "--address", p.admin)
	listen.Stdout, listen.Stderr = &out, &errs
	if err := listen.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { listen.Wait(); close(ended) }()
	t.Cleanup(func() { listen.Process.Kill(); <-ended })
	until(t, "it listens", func() bool { return strings.Contains(errs.String(), "are signed with "+secret) })
	p.call("PATCH", "/items/one", `{"n":1}`)
	until(t, "the first is shown", func() bool { return strings.Contains(out.String(), "item/one") })
	p.stop()
	until(t, "it says that there is no server", func() bool { return strings.Contains(errs.String(), "trying again") })
	p.start()
	p.call("PATCH", "/items/two", `{"n":1}`)
	until(t, "the second is shown", func() bool { return strings.Contains(out.String(), "item/two") })
	mu.Lock()
	defer mu.Unlock()
	if fmt.Sprint(got) != "[item.updated one item.updated two]" || !strings.Contains(out.String(), "503 Service Unavailable in") || !strings.Contains(out.String(), "418 I'm a teapot in") || !strings.Contains(out.String(), "short and stout") {
		t.Errorf("it forwarded %v and printed\n%s", got, out.String())
	}
}

// What listen forwards is what a subscription gets, byte for byte, with the headers
// that belong to its payload.
func TestListenForwardsWhatASubscriptionGets(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	url, got := requests(t)
	local, forwarded := requests(t)
	p := start(t, caddyfile(fmt.Sprintf(`
		subscription crm %s {
			scopes project.**
			payload cloudevents_binary
			secret %s
		}`, url, secret), projects, api.URL))
	var errs proc.Log
	listen := p.command("listen", "--forward-to", local, "--payload", "cloudevents_binary", "--secret", secret, "--address", p.admin)
	listen.Stderr = &errs
	if err := listen.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { listen.Wait(); close(ended) }()
	t.Cleanup(func() { listen.Process.Kill(); <-ended })
	until(t, "it listens", func() bool { return strings.Contains(errs.String(), "are signed with "+secret) })
	p.call("POST", "/api/projects", `{ "name": "<Roof> & more" }`)
	want, is := <-got, <-forwarded
	if string(want.body) != string(is.body) {
		t.Errorf("forwarded is\n%s\nand a subscription gets\n%s", is.body, want.body)
	}
	one, other := cloudEventsOf(t, want)[0], cloudEventsOf(t, is)[0]
	if err := other.Validate(); err != nil || one.ID() != other.ID() || one.Type() != other.Type() || one.Subject() != other.Subject() || one.Source() != other.Source() {
		t.Errorf("forwarded is %v (%v), and a subscription gets %v", other, err, one)
	}
}

// A trigger sends an example to one subscription, like the newest event of its
// scope, and shows what was answered.
func TestTriggerSendsAnExample(t *testing.T) {
	api := serve(t, itemAPI())
	crm, other := receive(t, nil), receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.updated")+subscribe("other", other, "scopes item.updated"), "\t\tresource item /items", api.URL))
	p.call("PATCH", "/items/a", `{"n":42}`)
	crm.wait(1)
	other.wait(1)
	out, err := p.cli("trigger", "item.updated", "--subscription", "crm", "--address", p.admin)
	if err != nil || !strings.Contains(out, "delivered") || !strings.Contains(out, "item.updated") {
		t.Errorf("%v: %s", err, out)
	}
	got := crm.wait(2)
	if a := got[1].Body; a.Type != "item.updated" || a.Entity.ID != "example" || string(a.Data) != string(got[0].Body.Data) {
		t.Errorf("the example is %s", got[1].Raw)
	}
	file := filepath.Join(t.TempDir(), "data.json")
	if err := os.WriteFile(file, []byte(`{"n":12345678901234567890}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := p.cli("trigger", "item.updated", "--subscription", "crm", "--data", file, "--address", p.admin); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	wantField(t, crm.wait(3)[2].Body.Data, "n", "12345678901234567890")
	if out, err := p.cli("trigger", "item.updated", "--subscription", "crm", "--address", p.admin); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	wantField(t, crm.wait(4)[3].Body.Data, "n", "42") // like what happened, not like an example
	until(t, "all is settled", p.settled)
	if n := len(other.all()); n != 1 {
		t.Errorf("the other got %d", n)
	}
	p.steer("pause", "other")
	for args, want := range map[string]string{
		"trigger item.updated":                       "write --subscription",
		"trigger item.* --subscription crm":          "write the name of an event",
		"trigger item.updated --subscription nosuch": "there are crm, other",
		"trigger item.updated --subscription other":  "is paused: resume it first",
	} {
		if out, err := p.cli(append(strings.Fields(args), "--address", p.admin)...); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v: %s", args, err, out)
		}
	}
}

// An example to a subscription of all tenants is as visible as the event that it
// is like; without one, the operator's. Nobody is sent it later.
func TestAnExampleIsOfTheTenantWhoseEventItShows(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	all, mine := receive(t, nil), receive(t, nil)
	p := start(t, withAPI(subscribe("all", all, "scopes project.**"), "\t\t\tallow_unauthenticated\n\t\t\tallow_private", api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	all.wait(1)
	trigger := func(scope, tenant string, unowned bool) {
		t.Helper()
		if out, err := p.cli("trigger", scope, "--subscription", "all", "--address", p.admin); err != nil || !strings.Contains(out, "delivered") {
			t.Fatalf("%v: %s", err, out)
		}
		var events []struct {
			Scope, Tenant string
			Unowned       bool
			Entity        struct{ ID string }
		}
		p.get("/sidehook/events?max=1", &events)
		if e := events[0]; e.Scope != scope || e.Entity.ID != "example" || e.Tenant != tenant || e.Unowned != unowned {
			t.Errorf("the example is %+v, want it of tenant %q, unowned: %v", e, tenant, unowned)
		}
	}
	trigger("project.created", "acme", false)
	trigger("project.deleted", "", true)
	p.call("POST", "/api/projects", `{"name":"Hall"}`)
	all.wait(4)
	trigger("project.created", "", true)
	anybody := p.user("", "")
	if got := anybody.do("GET", "/events", "").want(200); len(got.data()) > 0 {
		t.Errorf("who is of no tenant sees %s", got.raw)
	}
	for _, tenant := range []string{"", "*", "acme"} {
		made := p.operate("POST", "/subscriptions", subscription(mine, fmt.Sprintf(`, "tenant": %q, "allow_private": true`, tenant))).want(201).text("id")
		missed := p.operate("POST", "/replays/count", fmt.Sprintf(`{"subscription": %q, "since": 0, "states": ["missed"]}`, made)).want(200)
		if want := map[string]float64{"": 0, "*": 2, "acme": 1}[tenant]; missed.fields["deliveries"] != want {
			t.Errorf("a subscription of tenant %q missed %v, want %v: none that is an example", tenant, missed.raw, want)
		}
	}
}

// A subscription that was made through the API is sent examples too: like the
// newest event of its tenant.
func TestTriggerReachesWhatTheAPIMade(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	mine := receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	id := p.user("ann", "acme").do("POST", "/subscriptions", subscription(mine, "")).want(201).text("id")
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	p.call("POST", "/api/projects", `{"name":"Secret"}`, "X-Space", "other")
	first := mine.wait(1)[0]
	until(t, "both are recorded", func() bool {
		var h struct{ Events int }
		p.get("/sidehook/health", &h)
		return h.Events == 2
	})
	if out, err := p.cli("trigger", "project.created", "--subscription", id, "--address", p.admin); err != nil || !strings.Contains(out, "delivered") {
		t.Fatalf("%v: %s", err, out)
	}
	if got := mine.wait(2)[1]; got.Body.Entity.ID != "example" || string(got.Body.Data) != string(first.Body.Data) {
		t.Errorf("the example is %s", got.Raw)
	}
}

// Verify tells right signatures from wrong ones, and why they are.
func TestVerifySaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	wh, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"type":"a.b","data":{"n":1.50}}`
	at := mustTime(t, "2026-11-22T08:00:00Z")
	sig, err := wh.Sign("evt_1", at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	head := func(sig string) string {
		return fmt.Sprintf("POST /hooks HTTP/1.1\r\nHost: a\r\nwebhook-id: evt_1\r\nwebhook-timestamp: %d\r\nwebhook-signature: %s\r\n\r\n", at.Unix(), sig)
	}
	const now, another = "2026-11-22T08:01:00Z", "whsec_YW5vdGhlciBzZWNyZXQgdGhhdCBpcyBsb25nIGVub3VnaA=="
	for name, c := range map[string]struct{ request, secret, at, want string }{
		"right":            {head(sig) + body, secret, now, "the signature is right: secret 1"},
		"rotated":          {head("v1,bm9uZQ== "+sig) + body, secret, now, "is right"},
		"another secret":   {head(sig) + body, another, now, "with another secret"},
		"a line end":       {head(sig) + body + "\n", secret, now, "a line end was added to the body"},
		"written anew":     {head(sig) + "{ \"type\":\"a.b\", \"data\":{\"n\":1.50} }", secret, now, "parsed and written anew"},
		"another body":     {head(sig) + `{"type":"a.c"}`, secret, now, "or for another body"},
		"late":             {head(sig) + body, secret, "2026-11-22T09:00:00Z", "but 1h0m0s ago"},
		"early":            {head(sig) + body, secret, "2026-11-22T07:00:00Z", "ahead: the clock"},
		"other scheme":     {"X-Hub-Signature-256: sha256=00\n\n" + body, secret, now, "signed by another scheme"},
		"no id":            {"webhook-timestamp: 1\nwebhook-signature: v1,a\n\n" + body, secret, now, "has no webhook-id"},
		"an asymmetric":    {head("v1a,AAAA") + body, secret, now, "give the public key"},
		"no empty line":    {"webhook-id: a", secret, now, "no empty line"},
		"a private key":    {head("v1a,AAAA") + body, "whsk_" + strings.Repeat("A", 86) + "==", now, "give the public key (whpk_…), which"},
		"a secret cut off": {head(sig) + body, "whsec_abc", now, "not base64"},
	} {
		file := filepath.Join(dir, "request")
		if err := os.WriteFile(file, []byte(c.request), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(binary, "verify", "--secret", c.secret, "--request", file, "--at", c.at).CombinedOutput()
		if !strings.Contains(string(out), c.want) || (err == nil) != strings.Contains(c.want, "is right") {
			t.Errorf("%s: %v: %s, want %q", name, err, out, c.want)
		}
	}
}

// The command makes, changes and deletes subscriptions as the API does, and ends
// with a code of its own if there is no server.
func TestSubscriptionsOnTheCommandLine(t *testing.T) {
	api := serve(t, itemAPI())
	crm := receive(t, nil)
	p := start(t, caddyfile("", "\t\tresource item /items", api.URL))
	run := func(args ...string) string {
		t.Helper()
		out, err := p.cli(append(args, "--address", p.admin)...)
		if err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
		return out
	}
	made := run("subscriptions", "create", "--url", crm.URL, "--scope", "item.**", "--tenant", "*", "--owner", "ann", "--allow-private", "--data", `{"secret": "`+secret+`"}`, "--json")
	var sub struct{ ID, Secret string }
	if err := json.Unmarshal([]byte(made), &sub); err != nil || sub.Secret != secret {
		t.Fatalf("%v: %s", err, made)
	}
	p.call("PATCH", "/items/a", `{"n":1}`)
	crm.wait(1)
	run("subscriptions", "test", sub.ID)
	crm.wait(2)
	until(t, "all is settled", p.settled)
	wantText(t, run("subscriptions"), sub.ID+` +1 +active +2\S+ \S+ +0 +– +0 +http://127.0.0.1:\d+/… +ann +`)
	var d struct{ ID, Subscription, State string }
	oneLine(t, run("deliveries", "--subscription", sub.ID, "--max", "1", "--json"), &d)
	if d.Subscription != sub.ID || d.State != "delivered" {
		t.Errorf("the delivery is %+v", d)
	}
	again := d
	oneLine(t, run("deliveries", "retry", d.ID, "--json"), &again)
	crm.wait(3)
	if again.ID != d.ID {
		t.Errorf("retried: %+v", again)
	}
	var listed struct{ ID, To, Owner, Tenant, Status string }
	oneLine(t, run("subscriptions", "--json"), &listed)
	if listed.ID != sub.ID || listed.Owner != "ann" || listed.Tenant != "*" || !strings.HasPrefix(crm.URL, strings.TrimSuffix(listed.To, "/…")) {
		t.Errorf("listed: %+v", listed)
	}
	wantText(t, run("subscriptions", "change", sub.ID, "--data", `{"rate": "5/s"}`), `\nrate +5/s\n`)
	for _, out := range []string{run("subscriptions", "show", sub.ID), run("subscriptions", "list"), run("subscriptions")} {
		if !strings.Contains(out, sub.ID) || strings.Contains(out, secret) {
			t.Errorf("shown: %s", out)
		}
	}
	if out := run("subscriptions", "rotate", sub.ID, "--grace", "1h"); !strings.Contains(out, "whsec_") {
		t.Errorf("rotated: %s", out)
	}
	if out := run("subscriptions", "pause", sub.ID); !strings.Contains(out, "paused") {
		t.Errorf("paused: %s", out)
	}
	run("subscriptions", "delete", sub.ID)
	out, err := p.cli("subscriptions", "show", sub.ID, "--address", p.admin)
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 || !strings.Contains(out, "HTTP 404") {
		t.Errorf("deleted: %v: %s", err, out)
	}
	out, err = p.cli("subscriptions", "create", "--url", "nonsense", "--scope", "itme.**", "--address", p.admin)
	if err == nil || !strings.Contains(out, "HTTP 422") || !strings.Contains(out, "url") {
		t.Errorf("what is wrong is refused: %v: %s", err, out)
	}
	p.stop()
	out, err = p.cli("subscriptions", "--address", p.admin)
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 3 || !strings.Contains(out, "is its admin endpoint on?") {
		t.Errorf("without a server: %v: %s", err, out)
	}
}

// oneLine reads what --json prints of one thing: one line.
func oneLine(t *testing.T, out string, to any) {
	t.Helper()
	if strings.Count(out, "\n") != 1 || json.Unmarshal([]byte(out), to) != nil {
		t.Errorf("it is no line of JSON: %q", out)
	}
}

func mustTime(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

package caddymodule_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/caddymodule"
	"github.com/sidehook/sidehook/webhook"
)

const goodSecret = "0123456789-0123456789-0123456789"

// setSecrets gives the golden Caddyfiles what they read from the environment.
func setSecrets(t *testing.T) {
	t.Helper()
	t.Setenv("CRM_KEY", webhook.NewSigningKey(make([]byte, 32)))
	for _, name := range []string{"CRM_SECRET", "BILLING_SECRET", "SERVICE_TOKEN", "NEW_SECRET", "TOKEN", "SIDEHOOK_KEY"} {
		t.Setenv(name, goodSecret)
	}
	t.Setenv("KEYED_URL", "https://keyed.example.com/hooks")
}

// validate does what `caddy validate` does.
func validate(adapted []byte) error {
	var c *caddy.Config
	if err := caddy.StrictUnmarshalJSON(adapted, &c); err != nil {
		return err
	}
	return caddy.Validate(c)
}

func TestWhatIsAdaptedIsValid(t *testing.T) {
	setSecrets(t)
	old := filepath.Join(t.TempDir(), "old")
	if err := os.WriteFile(old, []byte("an older secret of 24 bytes or more\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.caddyfiletest")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../Caddyfile") {
		if strings.HasPrefix(filepath.Base(file), "error_") {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			text := divider.Split(read(t, file), 2)[0]
			adapted, err := adapt(strings.ReplaceAll(text, "/run/secrets/old", old))
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(adapted); err != nil {
				t.Error(err)
			}
		})
	}
}

// check runs `sidehook check` on a Caddyfile.
func check(t *testing.T, text string) (out string, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Caddyfile")
	write(t, file, text)
	cmd := caddymodule.CheckCommand()
	var buf bytes.Buffer
	cmd.SetOut(&buf)
	cmd.SetErr(&buf)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs([]string{"--config", file})
	err = cmd.Execute()
	return buf.String(), err
}

func TestCheckSaysThatAPathIsCutOffBefore(t *testing.T) {
	for name, c := range map[string]struct{ site, want string }{
		"handle_path": {"handle_path /api/* {\n\t\tsidehook {\n\t\t\tresource project /api/projects\n\t\t\tresource task /tasks\n\t\t}\n\t}",
			"NOTE: resource project: no call comes to /api/projects here, for /api is cut off before (by handle_path, or uri strip_prefix): write resource project /projects\n"},
		"as it is there":     {"handle_path /api/* {\n\t\tsidehook {\n\t\t\tresource project /projects\n\t\t}\n\t}", ""},
		"handle":             {"handle /api/* {\n\t\tsidehook {\n\t\t\tresource project /api/projects\n\t\t}\n\t}", ""},
		"beside handle_path": {"handle_path /other/* {\n\t\trespond ok\n\t}\n\thandle {\n\t\tsidehook {\n\t\t\tresource project /other/projects\n\t\t}\n\t}", ""},
		"for some calls":     {"route {\n\t\turi /api/* strip_prefix /api\n\t\tsidehook {\n\t\t\tresource project /api/projects\n\t\t}\n\t}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := check(t, ":8080 {\n\t"+c.site+"\n\treverse_proxy localhost:3000\n}\n")
			if _, notes, _ := strings.Cut(got, "through the API\n"); err != nil || notes != c.want {
				t.Errorf("%v, notes %q, want %q", err, notes, c.want)
			}
		})
	}
}

// What is below handle keeps its whole path, at which sidehook_api has nothing.
func TestCheckSaysThatNoCallFindsTheAPI(t *testing.T) {
	const ours = "sidehook_api {\n\t\t\tallow_unauthenticated\n\t\t}\n"
	const said = "NOTE: sidehook_api has nothing at /webhooks/*: its routes begin where it stands, so that a call of /webhooks/subscriptions would find none; write handle_path /webhooks/* { sidehook_api { … } }\n"
	for name, c := range map[string]struct{ site, want string }{
		"handle":               {"handle /webhooks/* {\n\t\t" + ours + "\t}", said},
		"route below a path":   {"route /webhooks/* {\n\t\t" + ours + "\t}", said},
		"handle_path":          {"handle_path /webhooks/* {\n\t\t" + ours + "\t}", ""},
		"strip_prefix":         {"handle /webhooks/* {\n\t\turi strip_prefix /webhooks\n\t\t" + ours + "\t}", ""},
		"cut off further in":   {"route /webhooks/* {\n\t\troute {\n\t\t\turi strip_prefix /webhooks\n\t\t}\n\t\t" + ours + "\t}", ""},
		"cut off elsewhere":    {"handle /webhooks/* {\n\t\tinvoke cut\n\t\t" + ours + "\t}", ""},
		"its own paths":        {"handle /subscriptions* {\n\t\t" + ours + "\t}", ""},
		"its own, further in":  {"handle /sub* {\n\t\thandle /subscriptions/* {\n\t\t" + ours + "\t}\n\t}", ""},
		"a site":               {ours, ""},
		"a host":               {"@hooks host hooks.example.com\n\thandle @hooks {\n\t\t" + ours + "\t}", ""},
		"a path, or something": {"@hooks expression path('/webhooks/*') || host('a')\n\thandle @hooks {\n\t\t" + ours + "\t}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := check(t, "&(cut) {\n\turi strip_prefix /webhooks\n}\n:8080 {\n\t"+c.site+"\n\tsidehook {\n\t\tresource task /tasks\n\t}\n\treverse_proxy localhost:3000\n}\n")
			if _, notes, _ := strings.Cut(got, "through the API\n"); err != nil || notes != c.want {
				t.Errorf("%v, notes %q, want %q", err, notes, c.want)
			}
		})
	}
}

// What stands where no call comes, or where nothing answers, is said.
func TestCheckSaysThatTheOrderIsWrong(t *testing.T) {
	const ours, proxy = "sidehook {\n\t\t\tresource project /api/projects\n\t\t}\n", "reverse_proxy localhost:3000\n"
	for name, c := range map[string]struct{ site, want string }{
		"a route block":         {"route {\n" + proxy + ours + "}", "NOTE: api default: no call comes to sidehook, for it stands behind reverse_proxy, which answers them all: write it in front of that; in a route block, order counts\n"},
		"behind a response":     {"route {\nrespond ok\n" + ours + proxy + "}", "NOTE: api default: no call comes to sidehook, for it stands behind static_response, which answers them all: write it in front of that; in a route block, order counts\n"},
		"no API":                {ours, "NOTE: api default: nothing behind sidehook answers calls: write reverse_proxy localhost:3000, with where the API is, beside it\n"},
		"only headers behind":   {"handle {\n" + ours + "header X-A b\n}", "NOTE: api default: nothing behind sidehook answers calls: write reverse_proxy localhost:3000, with where the API is, beside it\n"},
		"as it should be":       {proxy + ours, ""},
		"in a route, rightly":   {"route {\n" + ours + proxy + "}", ""},
		"some calls answered":   {"route {\nrespond /health ok\n" + ours + proxy + "}", ""},
		"others in handle":      {"handle /a/* {\nrespond ok\n}\nhandle {\n" + ours + proxy + "}", ""},
		"its API further below": {"route {\n" + ours + "}\n" + proxy, ""},
		"by php":                {"php_fastcgi localhost:9000\n" + ours, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := check(t, ":8080 {\n\t"+c.site+"\n}\n")
			if _, notes, _ := strings.Cut(got, "through the API\n"); err != nil || notes != c.want {
				t.Errorf("%v, notes %q, want %q", err, notes, c.want)
			}
		})
	}
}

func TestCheckSaysWhoGetsWhat(t *testing.T) {
	setSecrets(t)
	got, err := check(t, `{
	sidehook {
		subscription crm https://crm.example.com/hooks {
			scopes project.** ping.sent
			tenant acme
			filter entity.budget > 10
			on_change status
			skip_keys sync import
			secret {env.CRM_SECRET}
		}
		subscription all https://all.example.com/hooks {
			scopes **
			payload thin
			sign none
		}
	}
}

:8080 {
	sidehook {
		tenant request.header["X-Space-Id"]
		resource project /api/projects {
			update POST {id}
			delete PUT {id}
			emit project.status.updated when changed("status") {
				description "its status is another"
			}
		}
		on POST /api/ping emit ping.sent
	}
	reverse_proxy localhost:3000
}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := `api default
  resource project
    create POST       /api/projects
    update PATCH|POST /api/projects/{id}
    delete DELETE|PUT /api/projects/{id}
    earns  project.created
           project.deleted
           project.status.updated  (its status is another)
           project.updated
  on POST /api/ping
    earns  ping.sent
subscription crm → https://crm.example.com/hooks
    gets   ping.sent
           project.created
           project.deleted
           project.status.updated
           project.updated
    of     tenant acme
    if     entity.budget > 10
    if     an update changes status
    if     its call does not have the skip key sync or import
    as     standard, signed: standard
subscription all → https://all.example.com/hooks
    gets   ping.sent
           project.created
           project.deleted
           project.status.updated
           project.updated
    as     thin, signed: none
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

// Where webhooks may go, and by which way, is said too; a password is not.
func TestCheckSaysHowReceiversAreReached(t *testing.T) {
	setSecrets(t)
	t.Setenv("PROXY", "http://proxy.internal:3128")
	got, err := check(t, `{
	sidehook {
		egress {
			proxy {env.PROXY}
			resolvers 10.0.0.53 10.0.0.54:5353
		}
		subscription crm https://crm.example.com/hooks {
			scopes project.**
			sign none
			insecure_skip_verify
			egress {
				proxy http://us:word@other.internal:3128
			}
		}
		subscription all https://all.example.com/hooks {
			scopes project.**
			sign none
			egress {
				proxy none
			}
		}
	}
}

:8080 {
	handle_path /hooks/* {
		sidehook_api {
			owner {http.auth.user.id}
			tenant request.header["X-Space-Id"]
			allow_private
			allow_insecure_skip_verify
		}
	}
	handle /open/* {
		sidehook_api {
			allow_unauthenticated
		}
	}
	handle {
		sidehook {
			tenant request.header["X-Space-Id"]
			resource project /api/projects
		}
		reverse_proxy localhost:3000
	}
}
`)
	if err != nil {
		t.Fatal(err)
	}
	const gets = `    gets   project.created
           project.deleted
           project.updated
    as     standard, signed: none
`
	_, got, _ = strings.Cut(got, "subscription crm")
	want := " → https://crm.example.com/hooks\n" + gets + `    over   proxy http://us:xxxxx@other.internal:3128
           resolvers 10.0.0.53 10.0.0.54:5353
           whatever certificate its receiver has (insecure_skip_verify)
subscription all → https://all.example.com/hooks
` + gets + `    over   proxy none
           resolvers 10.0.0.53 10.0.0.54:5353
subscriptions made through sidehook_api
    by     each caller its own, told by {http.auth.user.id}
    of     the tenant told by request.header["X-Space-Id"]
    to     private addresses too, and http:// URLs (allow_private)
           receivers with any certificate, if they ask for that (allow_insecure_skip_verify)
    over   proxy {env.PROXY}
           resolvers 10.0.0.53 10.0.0.54:5353
subscriptions made through sidehook_api
    by     everybody who can reach it (allow_unauthenticated)
    of     no tenant: they get the events that are of none
    to     https:// URLs at public addresses
    over   proxy {env.PROXY}
           resolvers 10.0.0.53 10.0.0.54:5353
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

// subscribed is a Caddyfile with one subscription whose block begins with
// lines, and the given site.
func subscribed(lines, site string) string {
	return "{\n\tsidehook {\n\t\tsubscription crm https://crm.example.com/hooks {\n" + lines + "\n\t\t}\n\t}\n}\n\n" + site
}

const projects = ":8080 {\n\tsidehook {\n\t\tresource project /api/projects\n\t}\n}\n"

func TestCheckRefuses(t *testing.T) {
	setSecrets(t)
	t.Setenv("SHORT", "too-short")
	t.Setenv("EMPTY", " ")
	t.Setenv("BROKEN", "whsec_not!base64")
	empty := filepath.Join(t.TempDir(), "empty")
	write(t, empty, "\n")
	two := func(a, b string) string {
		return ":8080 {\n\tsidehook shop {\n" + a + "\n\t}\n}\n\n:8081 {\n\tsidehook shop {\n" + b + "\n\t}\n}\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"an api of our own name":          {":8080 {\n\tsidehook sidehook {\n\t\tresource project /api/projects\n\t}\n}\n", "sidehook is kept for Sidehook's own events: name the api otherwise"},
		"a related entity of no rule":     {subscribed("scopes **\nsign none\nrelated document {\nexpand contact\n}", projects), "Caddyfile:3): related document: no rule has an entity of that name: write related document EXPR { resource … }"},
		"a pattern that no rule earns":    {subscribed("scopes projct.**\nsecret {env.CRM_SECRET}", projects), "Caddyfile:3): no rule earns projct.**: did you mean project.**?"},
		"the name of a resource":          {subscribed("scopes project\nsecret {env.CRM_SECRET}", projects), "no rule earns project: did you mean project.**, which is all below it?"},
		"one part for all":                {subscribed("scopes *\nsecret {env.CRM_SECRET}", projects), "no rule earns *: did you mean **, which is all below it?"},
		"patterns with a comma":           {subscribed("scopes project.*, task.*\nsecret {env.CRM_SECRET}", projects), `scopes "project.*,": patterns are separated by spaces, in JSON each is a text of its own: write project.*`},
		"a scope that no rule earns":      {subscribed("scopes invoice.paid\nsecret {env.CRM_SECRET}", projects), "no rule earns invoice.paid: these are earned: project.created, project.deleted, project.updated"},
		"a subscription and no directive": {subscribed("scopes project.**\nsecret {env.CRM_SECRET}", ":8080 {\n\trespond 200\n}\n"), "no site has the directive sidehook"},
		"plain scopes switched off":       {subscribed("scopes project.**\nsecret {env.CRM_SECRET}", ":8080 {\n\tsidehook {\n\t\tdefault none\n\t\tresource project /api/projects\n\t}\n}\n"), "no rule earns project.**: no rule earns anything, for plain scopes are switched off (default none, or created, updated and deleted none): leave that out, or write emit SCOPE"},
		"a tenant of nobody":              {subscribed("scopes project.**\ntenant acme\nsecret {env.CRM_SECRET}", projects), "Caddyfile:3): tenant acme: nothing tells of which tenant its events are: write tenant request.header[\"X-Space-Id\"]"},
		"a for of no resource":            {subscribed("scopes project.**\nsecret {env.CRM_SECRET}\nfor projct {\ntimeout 1s\n}", projects), "Caddyfile:3): for projct: there is no such resource: did you mean project?"},
		"a missing secret":                {subscribed("scopes project.**\nsecret {env.NOT_THERE}", projects), "Caddyfile:3): secret: {env.NOT_THERE}: the environment variable NOT_THERE is not set"},
		"an empty secret":                 {subscribed("scopes project.**\nsecret {env.EMPTY}", projects), "the environment variable EMPTY is empty"},
		"a short secret":                  {subscribed("scopes project.**\nsecret {env.SHORT}", projects), "secret {env.SHORT}: the secret has 9 bytes"},
		"a broken secret":                 {subscribed("scopes project.**\nsecret {env.BROKEN}", projects), "secret {env.BROKEN}: the secret begins with whsec_ but what follows is not base64"},
		"an empty file":                   {subscribed("scopes project.**\nsecret {file."+empty+"}", projects), "the file is empty"},
		"a missing credential":            {":8080 {\n\tsidehook shop {\n\t\tcredential Authorization \"Bearer {env.NOT_THERE}\"\n\t\tresource project /api/projects\n\t}\n}\n", "handler of api shop: credential Authorization: {env.NOT_THERE}"},
		"a missing file":                  {subscribed("scopes project.**\nsecret {file./nowhere/secret}", projects), "{file./nowhere/secret}: open /nowhere/secret"},
		"a view check of nobody":          {subscribed("scopes project.**\nsecret {env.CRM_SECRET}\nview_check\ncredential Authorization {env.TOKEN}", projects), "Caddyfile:3): view_check asks the API itself: write origin http://localhost:3000, with where it answers, in sidehook of the site (api default)"},
		"an expansion of nobody":          {subscribed("scopes project.**\nsecret {env.CRM_SECRET}\nfor project {\nexpand owner\n}", projects), "Caddyfile:3): expand asks the API itself: write origin"},
		"a missing token":                 {subscribed("scopes project.**\nsecret {env.CRM_SECRET}\nview_check\ncredential Authorization {env.NOT_THERE}", projects), "Caddyfile:3): credential Authorization: {env.NOT_THERE}: the environment variable NOT_THERE is not set"},
		"one resource declared in two ways": {
			two("resource project /api/projects", "resource project /api/v2/projects"),
			`Caddyfile:3: path is "/api/projects" in one and "/api/v2/projects" in the other`,
		},
		"one resource with other settings of its handler": {
			two("resource project /api/projects", "ignore updated_at\nresource project /api/projects"),
			`only one has ignore ["updated_at"]`,
		},
		"verbs of one handler": {
			two("resource project /api/projects", "verbs new changed gone\nresource project /api/projects"),
			`only one has created "project.new"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := check(t, c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestCheckAcceptsOneResourceDeclaredTwiceAlike(t *testing.T) {
	_, err := check(t, `:8080 {
	sidehook /a/* shop {
		ignore updated_at
		trust 5m
		resource project /api/projects
	}
	sidehook /b/* shop {
		trust 5m
		resource project /api/projects {
			ignore updated_at
		}
	}
	sidehook /c/* other {
		resource project /api/v3/projects
	}
}
`)
	if err != nil {
		t.Error(err)
	}
}

func TestErrorsOfJSONNameTheirPlace(t *testing.T) {
	for name, c := range map[string]struct{ handler, app, want string }{
		"an expression":       {`{"resources":[{"name":"project","path":"/p","emit":[{"scope":"a.b","when":"changed("}]}]}`, `{}`, "resources[0].emit[0].when"},
		"an unknown field":    {`{"resourcs":[]}`, `{}`, "resourcs"},
		"a word":              {`{"resources":[{"name":"project","path":"/p"}],"on_client_abort":"stop"}`, `{}`, `on_client_abort "stop": write continue or cancel`},
		"a size":              {`{"resources":[{"name":"project","path":"/p"}],"max_body":9000000}`, `{}`, "max_body 9000000: write a number of bytes up to 8388608 (8 MiB), like 1048576; a call with both"},
		"an origin":           {`{"resources":[{"name":"project","path":"/p"}],"origin":"localhost:3000"}`, `{}`, `origin "localhost:3000"`},
		"a nameless one":      {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"url":"https://a.example.com"}]}`, "subscriptions[0] has no name"},
		"a filter":            {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"none"},"filter":"budget > 1"}]}`, "subscription crm: filter: "},
		"a retry":             {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"retry":"sometimes"}]}`, `retry: write "none", "short", "standard", "long", or a list`},
		"a name used twice":   {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"none"}},{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"none"}}]}`, "subscription crm is declared twice"},
		"a payload not there": {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"none"},"payload":"albi"}]}`, `payload "albi" is not declared`},
		"a path":              {`{"resources":[{"name":"project","path":"/p","redact":["entity.iban"]}]}`, `{}`, "resources[0].redact: path \"entity.iban\": paths begin inside the entity: write iban"},
		"on_change":           {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"none"},"on_change":["entity.a"]}]}`, "subscription crm: on_change: path \"entity.a\": paths begin inside the entity: write a"},
		"fields":              {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"none"},"fields":["a,b"]}]}`, "subscription crm: fields: path \"a,b\": paths are separated by spaces, in JSON each is a text of its own: write a b"},
		"a credential":        {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"none"},"view_check":true,"credential":{"header":"X-Hunter","value":"a\nb: hunter2"}}]}`, "subscription crm: credential: its value has a line break"},
		"whose header frames": {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"none"},"view_check":true,"credential":{"header":"host","value":"a"}}]}`, "subscription crm: credential: header host frames the request"},
		"a query of nothing":  {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"none"},"query":{"include":[]}}]}`, "subscription crm: query include has no value"},
		"expand said twice":   {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"none"},"expand":["a"],"query":{"expand":["b"]}}]}`, "subscription crm: query expand: expand says it already"},
		"related to nothing":  {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"none"},"related":{"document":{}}}]}`, "subscription crm: related document asks for nothing: write expand or query"},
		"no such resource":    {`{"resources":[{"name":"project","path":"/p","emit":[{"scope":"a.b","related":[{"name":"d","expr":"after.d","resource":"document"}]}]}]}`, `{}`, "resources[0].emit[0].related[0].resource: related d: there is no resource document here"},
		"one signature":       {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"hmac","header":"X-S","encoding":"hex"},"secrets":["a","b"]}]}`, "subscription crm: 2 secrets, and one signature in X-S"},
		"a join of lines":     {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"hmac","header":"X-S","encoding":"hex","join":"\n"},"secrets":["a"]}]}`, "subscription crm: sign … join"},
		"a join of standard":  {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"standard","join":","},"secrets":["a"]}]}`, "subscription crm: sign standard takes nothing more"},
		"a refusal":           {`{"resources":[{"name":"project","path":"/p"}]}`, `{"dialects":{"acme":{"routes":[{"method":"POST","path":"/h","action":"create","refuse":[{"status":200,"detail":"no","when":"true"}]}]}}}`, "dialect acme: route POST /h: refuse: 200 is no status that blames the call"},
		"one without words":   {`{"resources":[{"name":"project","path":"/p"}]}`, `{"dialects":{"acme":{"routes":[{"method":"POST","path":"/h","action":"create","refuse":[{"status":422,"when":"true"}]}]}}}`, "dialect acme: route POST /h: refuse: it does not say why"},
		"one without when":    {`{"resources":[{"name":"project","path":"/p"}]}`, `{"dialects":{"acme":{"routes":[{"method":"POST","path":"/h","action":"create","refuse":[{"status":422,"detail":"no"}]}]}}}`, "dialect acme: route POST /h: refuse: it does not say when"},
		"a proxy":             {`{"resources":[{"name":"project","path":"/p"}]}`, `{"egress":{"proxy":"socks5://p:1"}}`, "egress: proxy: socks5:// is none that is known"},
		"a resolver":          {`{"resources":[{"name":"project","path":"/p"}]}`, `{"egress":{"resolvers":["dns.internal"]}}`, `egress: resolvers "dns.internal": write addresses like 10.0.0.53`},
		"no such authority":   {`{"resources":[{"name":"project","path":"/p"}]}`, `{"egress":{"trusted_ca":["/nowhere/ca.pem"]}}`, "egress: trusted_ca: {file./nowhere/ca.pem}: open /nowhere/ca.pem"},
		"no authority":        {`{"resources":[{"name":"project","path":"/p"}]}`, `{"egress":{"trusted_ca":["config_test.go"]}}`, "egress: trusted_ca: there is no certificate (PEM) in it: config_test.go"},
		"half a certificate":  {`{"resources":[{"name":"project","path":"/p"}]}`, `{"egress":{"client_certificate":{"certificate":"config_test.go"}}}`, "egress: client_certificate: "},
		"skip_keys":           {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"none"},"skip_keys":["a,"]}]}`, "skip_keys \"a,\" ends in a comma"},
		"a small store_max":   {`{"resources":[{"name":"project","path":"/p"}]}`, `{"store_max":1}`, "store_max 1: write a number of bytes from 268435456 (256 MiB) on"},
		"a field misspelt":    {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","rat":"1/s"}]}`, `subscriptions[0].rat: unknown field "rat": did you mean rate?`},
		"a field deep within": {`{"resources":[{"name":"project","path":"/p","emit":[{"scope":"a.b"},{"scop":"a.b"}]}]}`, `{}`, `resources[0].emit[1].scop: unknown field "scop": did you mean scope?`},
		"a field in for":      {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","for":{"task":{"quux":1}}}]}`, `subscriptions[0].for.task.quux: unknown field "quux": write chunk, content_type, expand, fields`},
		"an order of later":   {`{"resources":[{"name":"project","path":"/p"}]}`, `{"subscriptions":[{"name":"crm","url":"https://a.example.com","scopes":["**"],"sign":{"scheme":"none"},"hold_behind":true}]}`, "hold_behind"},
	} {
		t.Run(name, func(t *testing.T) {
			handler := map[string]any{"handler": "sidehook"}
			if err := json.Unmarshal([]byte(c.handler), &handler); err != nil {
				t.Fatal(err)
			}
			config, err := json.Marshal(map[string]any{"apps": map[string]any{
				"sidehook": json.RawMessage(c.app),
				"http": map[string]any{"servers": map[string]any{"s": map[string]any{
					"listen": []string{":0"}, "routes": []any{map[string]any{"handle": []any{handler}}},
				}}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			err = validate(config)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestStartRefusesOneResourceDeclaredInTwoWays(t *testing.T) {
	const handler = `{"handle":[{"handler":"sidehook","resources":[{"name":"project","path":"/PATH"}]}]}`
	routes := strings.Replace(handler, "PATH", "a", 1) + "," + strings.Replace(handler, "PATH", "b", 1)
	err := caddy.Load([]byte(`{"admin":{"disabled":true,"config":{"persist":false}},"apps":{"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[`+routes+`]}}}}}`), true)
	if err == nil {
		err = caddy.Stop()
	}
	want := `resource project of api default is declared differently by two handlers: path is "/a" in one and "/b" in the other`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestEveryWordWithAPlaceStandsThere(t *testing.T) {
	if words := caddymodule.Misplaced(); len(words) > 0 {
		t.Errorf("errors send users to places for words that no block takes: %v", words)
	}
}

func TestArgsPutOurCommandsUnderSidehook(t *testing.T) {
	for _, c := range [][2]string{
		{"sidehook check -c x", "sidehook sidehook check -c x"},
		{"sidehook test a.txt", "sidehook sidehook test a.txt"},
		{"sidehook run", "sidehook run"},
		{"sidehook sidehook check", "sidehook sidehook check"},
		{"sidehook", "sidehook"},
	} {
		if got := strings.Join(caddymodule.Args(strings.Fields(c[0])), " "); got != c[1] {
			t.Errorf("%q becomes %q, want %q", c[0], got, c[1])
		}
	}
}

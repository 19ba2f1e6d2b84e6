package rules_test

import (
	"strings"
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

const team = `{"resources": [{"name": "team", "path": "/teams", "redact": ["people.email", "password", "bank.iban", "data.pin"]}]}`

// What is to be redacted is found however it is written: in lists, in envelopes,
// in what a patch or a form names. Each body has the secret in it as "s3cret".
func TestARedactedPathIsFoundHoweverItIsWritten(t *testing.T) {
	m := compile(t, []byte(team)).Match("PATCH", "/teams/5")
	form, patch := "application/x-www-form-urlencoded", "application/json-patch+json"
	for name, c := range map[string]struct{ kind, body string }{
		"list":                    {"", `{"people": [{"email": "s3cret", "n": 1}, {"email": "s3cret"}]}`},
		"list of lists":           {"", `{"people": [[{"email": "s3cret"}]]}`},
		"list as an object":       {"", `{"people": {"0": {"email": "s3cret"}, "2": {"email": "s3cret"}}}`},
		"one":                     {"", `{"people": {"email": "s3cret"}}`},
		"twice":                   {"", `{"password": "s3cret", "password": "s3cret"}`},
		"other letters":           {"", `{"People": [{"EMAIL": "s3cret"}], "passWord": "s3cret"}`},
		"deep":                    {"", `{"data": {"items": [{"data": {"item": {"team": {"data": {"people": [{"email": "s3cret"}]}}}}}]}}`},
		"change of many":          {"", `{"keys": [1, 2], "set": {"password": "s3cret"}}`},
		"change of many, another": {"", `{"ids": [1, 2], "changes": {"people": [{"email": "s3cret"}]}}`},
		"element of a bulk":       {"", `{"operations": [{"method": "PATCH", "path": "/teams/5", "body": {"password": "s3cret"}}]}`},
		"document":                {"", `{"items": [{"document": {"password": "s3cret"}}]}`},
		"no envelope":             {"", `{"pin": "s3cret"}`},
		"another envelope":        {"", `{"team": {"pin": "s3cret"}}`},
		"JSON:API":                {"application/vnd.api+json", `{"data": {"type": "teams", "id": "5", "attributes": {"people": [{"email": "s3cret"}]}}}`},
		"HAL":                     {"", `{"_embedded": {"people": [{"email": "s3cret"}]}}`},
		"dots in a name":          {"", `{"bank.iban": "s3cret", "people.0.email": "s3cret", "/bank/iban": "s3cret"}`},
		"patch":                   {patch, `[{"op": "add", "path": "/people/0/email", "value": "s3cret"}]`},
		"patch at the end":        {patch, `[{"op": "add", "path": "/people/-", "value": {"email": "s3cret"}}]`},
		"patch of a list":         {patch, `[{"op": "add", "path": "/people", "value": [{"email": "s3cret"}]}]`},
		"patch in an envelope":    {patch, `[{"op": "add", "path": "/data/password", "value": "s3cret"}, {"op": "add", "path": "/team", "value": {"pin": "s3cret"}}]`},
		"patch that is mistyped":  {"", `[{"op": "add", "path": "/people/0/email", "value": "s3cret"}, {"op": "add", "path": "/bank", "value": {"iban": "s3cret"}}]`},
		"SCIM":                    {"", `{"Operations": [{"op": "replace", "path": "password", "value": "s3cret"}, {"op": "add", "path": "people[type eq \"work\"].email", "value": "s3cret"}, {"op": "add", "value": {"password": "s3cret"}}]}`},
		"form":                    {form, `a=1&people[0][email]=s3cret&people[1][email]=s3cret`},
		"form with empty places":  {form, `people[][email]=s3cret&people[][name]=x&people[][email]=s3cret`},
		"form with dots":          {form, `bank.iban=s3cret&people[0].email=s3cret`},
		"form with an envelope":   {form, `team[password]=s3cret&team[people][][email]=s3cret`},
		"form with a list":        {form, `password[]=s3cret&password=s3cret`},
	} {
		t.Run(name, func(t *testing.T) {
			h := webhook.Header{}
			if c.kind != "" {
				h["Content-Type"] = []string{c.kind}
			}
			got := m.Redact(webhook.Body{Bytes: []byte(c.body)}, h)
			if strings.Contains(string(got.Bytes), "s3cret") || !got.Whole() {
				t.Errorf("kept %s %v", got.Bytes, got.Missing)
			}
		})
	}
}

// What is beside it stays.
func TestNothingElseIsRedacted(t *testing.T) {
	m := compile(t, []byte(team)).Match("PATCH", "/teams/5")
	for name, c := range map[string]struct{ kind, body string }{
		"elsewhere":  {"application/json", `{"email":"a","owner":{"email":"a","password":"a"},"bank":{"bic":"a"},"people":[{"name":"a"}],"iban":"a","value":"a","path":"password"}`},
		"operations": {"application/json", `[{"op":"eq","path":"name","value":"a"},{"op":"eq","path":"/owner/email","value":{"email":"a"}}]`},
		"a patch":    {"application/json-patch+json", `[{"op":"add","path":"/owner","value":{"email":"a"}},{"op":"test","path":"","value":{}}]`},
		"form":       {"application/x-www-form-urlencoded", `a=1&owner%5Bemail%5D=a&tags%5B%5D=b&tags%5B%5D=c`},
	} {
		t.Run(name, func(t *testing.T) {
			got := m.Redact(webhook.Body{Bytes: []byte(c.body)}, webhook.Header{"Content-Type": {c.kind}})
			if string(got.Bytes) != c.body {
				t.Errorf("kept %s, want %s", got.Bytes, c.body)
			}
		})
	}
}

// Fields that a call gives in its query are redacted there.
func TestAQueryIsRedacted(t *testing.T) {
	p := compile(t, []byte(team))
	m := p.Match("PATCH", "/teams/5")
	for query, want := range map[string]string{
		"":                                  "",
		"a=1&password=s&b":                  "a=1&b",
		"pass%77ord=s&team[password]=s&x=1": "x=1",
		"people%5B0%5D%5Bemail%5D=s":        "",
		"people.email=s&people=1":           "people=1",
		"%zz=s&a=1":                         "a=1",
	} {
		if got := p.NewRedactions().RedactQuery(m, query); got != want {
			t.Errorf("%s became %s, want %s", query, got, want)
		}
	}
	plain := compile(t, []byte(`{"resources": [{"name": "team", "path": "/teams"}]}`))
	if got := plain.NewRedactions().RedactQuery(plain.Match("PATCH", "/teams/5"), "password=s"); got != "password=s" {
		t.Errorf("became %s where nothing is redacted", got)
	}
}

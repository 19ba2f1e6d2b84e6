package rules_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

// A redacted path that no body had is told, once, behind enough bodies; one that is
// found anywhere, however it is written, is not.
func TestPathsThatRedactNothingAreTold(t *testing.T) {
	const config = `{"redact": ["password", "pasword"], "resources": [
		{"name": "user", "path": "/users", "redact": ["password", "pasword", "cards.*.number", "data.pin", "bank.iban", "nickname"]},
		{"name": "order", "path": "/orders"}]}`
	p := compile(t, []byte(config))
	rs := p.NewRedactions()
	user, order := p.Match("PATCH", "/users/5"), p.Match("POST", "/orders")
	redact := func(body, kind string) {
		rs.Redact(user, webhook.Body{Bytes: []byte(body)}, webhook.Header{"Content-Type": {kind}})
	}
	redact(`{"name": "Ann", "team": [{"PassWord": "x"}]}`, "application/json")
	redact(`cards[0][number]=4&name=Ann`, "application/x-www-form-urlencoded")
	redact(`[{"op": "replace", "path": "/bank/iban", "value": "x"}]`, "application/json-patch+json")
	redact(`{"user": {"pin": 4}}`, "application/json")
	redact(`not JSON`, "application/json")
	if got := rs.Unfound(user, 5); got != nil {
		t.Errorf("%q are not found behind 4 bodies that can be read, and 5 are wanted", got)
	}
	if got, want := rs.Unfound(user, 4), []string{"nickname"}; !slices.Equal(got, want) {
		t.Errorf("not found in users: %q, want %q: orders may have the others", got, want)
	}
	rs.Redact(order, webhook.Body{Bytes: []byte(`{"total": 3}`)}, webhook.Header{"Content-Type": {"application/json"}})
	if got, want := rs.Unfound(order, 1), []string{"pasword"}; !slices.Equal(got, want) {
		t.Errorf("not found in orders, nor in users: %q, want %q", got, want)
	}
	if again := append(rs.Unfound(user, 4), rs.Unfound(order, 1)...); len(again) > 0 {
		t.Errorf("%q are told once more", again)
	}
	rs.RedactQuery(user, "a=b&nickname=x")
	found := maps.Collect(rs.Paths)
	if found["pasword"] || !found["nickname"] || len(found) != 6 || rs.Found() != 5 {
		t.Errorf("found are %v, which are %d", found, rs.Found())
	}
}

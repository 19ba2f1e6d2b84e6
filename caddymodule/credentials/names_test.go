package credentials

import (
	"testing"

	"github.com/sidehook/sidehook/rules"
)

// No rule reads what is never kept: it would keep it, or find nothing.
func TestRulesReadNoCredential(t *testing.T) {
	for _, name := range credentialHeaders {
		if rules.CheckField(name) == nil || rules.CheckPlaceholder("http.request.header."+name) == nil {
			t.Errorf("the field %s may be read", name)
		}
	}
	for name := range secretParameters {
		if rules.CheckPlaceholder("http.request.uri.query."+name) == nil {
			t.Errorf("the parameter %s may be read", name)
		}
	}
	for _, name := range []string{
		"http.auth.user.id", "http.request.header.X-Tenant", "http.request.header.X-Request-Id", "http.request.header.X-Partition-Key",
		"http.request.uri.query.account", "http.request.uri.query.key", "http.request.uri.query.page_tokens", "http.request.host",
	} {
		if err := rules.CheckPlaceholder(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

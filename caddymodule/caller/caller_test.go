package caller_test

import (
	"strings"
	"testing"

	"github.com/sidehook/sidehook/caddymodule/caller"
)

// An owner and a tenant are kept with each subscription and shown to the operator, so
// they are told by nothing that proves who somebody is.
func TestACallerIsNotToldByACredential(t *testing.T) {
	for text, want := range map[string]string{
		"{http.auth.user.id}":                    "",
		"{http.request.header.X-User-Id}":        "",
		`request.header["X-User-Id"]`:            "",
		"{http.request.header.Authorization}":    "the header Authorization may hold a credential",
		"{http.request.cookie.session}":          "the cookie session may hold a credential",
		`request.header["X-Api-Key"]`:            "the header X-Api-Key may hold a credential",
		`"u-" + (request.header["Cookie"] ?? 1)`: "Cookie is a credential",
	} {
		_, err := caller.Compile(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

package credentials_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/sidehook/sidehook/caddymodule/credentials"
)

// A query is parted into what is kept and what is not.
func TestSplitQuery(t *testing.T) {
	for raw, want := range map[string][2]string{
		"":                         {"", ""},
		"a=b&c=d":                  {"a=b&c=d", ""},
		"a=b&access_token=t&c=d":   {"a=b&c=d", "access_token=t"},
		"Api%5FKey=k":              {"", "Api%5FKey=k"},
		"token=1&x&TOKEN=2":        {"x", "token=1&TOKEN=2"},
		"X-Amz-Signature=s&key=1":  {"key=1", "X-Amz-Signature=s"},
		"%zz=1&tokens=2&mytoken=3": {"%zz=1&tokens=2&mytoken=3", ""},
	} {
		if kept, secret := credentials.SplitQuery(raw); kept != want[0] || secret != want[1] {
			t.Errorf("%q: %q and %q", raw, kept, secret)
		}
	}
}

// The same caller is known again, another is not, and nobody is nobody.
func TestCallerOf(t *testing.T) {
	of := func(fields ...string) string {
		h := http.Header{}
		for i := 0; i < len(fields); i += 2 {
			h.Add(fields[i], fields[i+1])
		}
		return fmt.Sprintf("%x", credentials.NewHash([]byte("k")).Of(h, ""))
	}
	if of() != "" || of("Accept", "x") != "" {
		t.Error("nobody is somebody")
	}
	if of("Authorization", "a") != of("Authorization", "a", "Accept", "x") {
		t.Error("the same caller is not known again")
	}
	callers := []string{of("Authorization", "a"), of("Authorization", "b"), of("Cookie", "a"), of("Authorization", "a", "Cookie", ""), of("Cookie", "a", "Cookie", "b"), of("Cookie", "ab")}
	for i, a := range callers {
		for _, b := range callers[:i] {
			if a == b {
				t.Errorf("two callers are one: %v", callers)
			}
		}
	}
}

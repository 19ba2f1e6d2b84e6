package credentials_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/sidehook/sidehook/caddymodule/credentials"
)

// What may carry a credential is known by its name, whoever made that up.
func TestIs(t *testing.T) {
	for name, want := range map[string]bool{
		"Authorization": true, "Cookie": true, "X-Api-Key": true, "Private-Token": true, "Set-Cookie": true,
		"X-Vault-Token": true, "X-Client-Secret": true, "X-Db-Password": true, "X-My-Api-Key": true, "X-My-Apikey": true, "X-Hub-Signature": true,
		"Accept": false, "Content-Type": false, "X-Tokens": false, "X-Request-Id": false, "Idempotency-Key": false,
	} {
		if credentials.Is(name) != want {
			t.Errorf("%s: want %v", name, want)
		}
	}
}

// A GET of ours carries the caller's credentials only if these are not bound to the
// request that they came with.
func TestReusable(t *testing.T) {
	for _, c := range []struct {
		name, value, secret string
		want                bool
	}{
		{"Authorization", "Bearer abc", "", true},
		{"Authorization", "Basic YTpi", "", true},
		{"Cookie", "session=1", "", true},
		{"X-Api-Key", "k", "", true},
		{"X-Design", "k", "", true},
		{"Accept", "*/*", "access_token=abc", true},
		{"Accept", "*/*", "token=a&api_key=b", true},
		{"Authorization", "DPoP abc", "", false},
		{"Authorization", "Digest username=a", "", false},
		{"Authorization", "AWS4-HMAC-SHA256 Credential=a", "", false},
		{"Authorization", "aws abc:def", "", false},
		{"Authorization", "GOOG4-RSA-SHA1 Credential=a", "", false},
		{"Authorization", "my-hmac abc", "", false},
		{"Authorization", "VENDOR-SHA256 abc", "", false},
		{"Authorization", `OAuth oauth_consumer_key="a", oauth_Signature="b"`, "", false},
		{"Dpop", "proof", "", false},
		{"Signature", "sig1=:abc:", "", false},
		{"Signature-Input", "sig1=()", "", false},
		{"X-Amz-Content-Sha256", "abc", "", false},
		{"X-Nonce", "1", "", false},
		{"X-Hub-Signature-256", "sha256=abc", "", false},
		{"X-Vendor-Signature", "abc", "", false},
		{"X-Vendor-Hmac", "abc", "", false},
		{"X-Vendor-Sign", "abc", "", false},
		{"X-Vendor-Nonce", "abc", "", false},
		{"Accept", "*/*", "token=a&sig=b", false},
		{"Accept", "*/*", "X-Amz-Signature=b", false},
		{"Accept", "*/*", "x%2Dgoog%2Dsignature=b", false},
	} {
		h := http.Header{c.name: {c.value}, "User-Agent": {"a"}}
		if got := credentials.Reusable(h, c.secret); got != c.want {
			t.Errorf("%s: %s with %q: got %v, want %v", c.name, c.value, c.secret, got, c.want)
		}
	}
}

// The hash of a caller is that of its credentials and of nothing else, and nothing of
// one caller is in that of the next.
func TestHash(t *testing.T) {
	hash := credentials.NewHash([]byte("key"))
	callers := map[string]func(h *credentials.Hash) []byte{
		"a bearer":             func(h *credentials.Hash) []byte { return h.Of(http.Header{"Authorization": {"Bearer a"}}, "") },
		"another bearer":       func(h *credentials.Hash) []byte { return h.Of(http.Header{"Authorization": {"Bearer b"}}, "") },
		"a cookie":             func(h *credentials.Hash) []byte { return h.Of(http.Header{"Cookie": {"Bearer a"}}, "") },
		"a parameter":          func(h *credentials.Hash) []byte { return h.Of(http.Header{}, "token=a") },
		"another parameter":    func(h *credentials.Hash) []byte { return h.Of(http.Header{}, "token=b") },
		"a bearer, beside one": func(h *credentials.Hash) []byte { return h.Of(http.Header{"Authorization": {"Bearer a"}}, "token=a") },
		"two cookies":          func(h *credentials.Hash) []byte { return h.Of(http.Header{"Cookie": {"a", "b"}}, "") },
		"the same in one":      func(h *credentials.Hash) []byte { return h.Of(http.Header{"Cookie": {"ab"}}, "") },
	}
	seen := map[string]string{}
	for range 3 {
		for name, of := range callers {
			got := of(hash)
			if again := of(credentials.NewHash([]byte("key"))); len(got) == 0 || !bytes.Equal(got, again) {
				t.Errorf("%s: %x, and %x by a hash that served nobody else", name, got, again)
			}
			if other, ok := seen[string(got)]; ok && other != name {
				t.Errorf("%s is taken for %s", name, other)
			}
			seen[string(got)] = name
		}
	}
	if got := hash.Of(http.Header{"Authorization": {}, "Accept": {"a"}}, ""); got != nil {
		t.Errorf("nobody: %x", got)
	}
	if other := credentials.NewHash([]byte("other")).Of(http.Header{}, "token=a"); seen[string(other)] != "" {
		t.Error("another key makes the same hash")
	}
}

// The key of callers is made once, for its owner only; one that is no key is replaced.
func TestOpenKey(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "caller.key")
	key, err := credentials.OpenKey(dir)
	if err != nil || len(key) != 32 || bytes.Equal(key, make([]byte, 32)) {
		t.Fatalf("%x, %v", key, err)
	}
	if again, err := credentials.OpenKey(dir); err != nil || !bytes.Equal(again, key) {
		t.Errorf("opened again: %v, %v", bytes.Equal(again, key), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(path, key[:7], 0o600); err != nil {
		t.Fatal(err)
	}
	next, err := credentials.OpenKey(dir)
	if again, _ := credentials.OpenKey(dir); err != nil || len(next) != 32 || bytes.Equal(next, key) || !bytes.Equal(next, again) {
		t.Errorf("in place of a broken one: %d bytes, %v", len(next), err)
	}
	if key, err := credentials.OpenKey(filepath.Join(dir, "nowhere")); err == nil || len(key) != 32 {
		t.Errorf("without a directory: %d bytes, %v", len(key), err)
	}
	if key, err := credentials.OpenKey(path); err == nil || len(key) != 32 {
		t.Errorf("in a file: %d bytes, %v", len(key), err)
	}
}

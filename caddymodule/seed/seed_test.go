package seed_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/seed"
)

func TestNextLink(t *testing.T) {
	for link, want := range map[string]string{
		`<https://api/items?page=2>; rel="next"`:                                      "https://api/items?page=2",
		`</items>; rel="first", </items?page=3>; title="a, b"; rel="next last"`:       "/items?page=3",
		`<?cursor=a%3Bb>; rel="next"; results="true", <?cursor=x>; rel="prev"`:        "?cursor=a%3Bb",
		`</items?page=1>; rel="prev", <https://api/docs>; rel="help next-to-nothing"`: "",
		`broken; rel="next"`: "",
		"":                   "",
	} {
		if got := seed.NextLink(http.Header{"Link": {link}}); got != want {
			t.Errorf("%s: next is %q, want %q", link, got, want)
		}
	}
}

// What an API says of its next page may name it by another host, or below the
// path that origin has already.
func TestTheNextPageIsAskedOfTheOrigin(t *testing.T) {
	for _, c := range []struct{ origin, current, link, want string }{
		{"http://localhost:3000", "/items?page=1", "https://api.example.com/items?page=2&q=a%2Fb", "/items?page=2&q=a%2Fb"},
		{"http://localhost:3000", "/items?page=1", "?page=2", "/items?page=2"},
		{"http://localhost:3000/v1", "/items", "https://api.example.com/v1/items?page=2", "/items?page=2"},
		{"http://localhost:3000/v1", "/items", "/items?page=2", "/items?page=2"},
		{"http://localhost:3000", "/items/a%2Fb/parts", "?page=2", "/items/a%2Fb/parts?page=2"},
		{"http://localhost:3000", "/items", "", ""},
		{"http://localhost:3000", "/items", "http://[", ""},
	} {
		if got := seed.SeedFollows(c.origin, c.current, c.link); got != c.want {
			t.Errorf("%s at %s: %s is asked for as %q, want %q", c.origin, c.current, c.link, got, c.want)
		}
	}
}

func TestPatienceAsked(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 5 * time.Second, "1": 5 * time.Second, "60": time.Minute, "86400": 5 * time.Minute, "-5": 5 * time.Second,
		"Sun, 22 Nov 2026 05:00:00 GMT": 5 * time.Second,
	} {
		if got := seed.PatienceAsked(http.Header{"Retry-After": {text}}); got != want {
			t.Errorf("Retry-After %q: %s, want %s", text, got, want)
		}
	}
}

package e2e

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// signedWith returns which of keys (whpk_…) verify a request, by the words of the
// specification: v1a, and the signature of id.timestamp.body.
func signedWith(t *testing.T, h http.Header, body []byte, keys []string) (by []string) {
	t.Helper()
	signed := fmt.Appendf(nil, "%s.%s.%s", h.Get("webhook-id"), h.Get("webhook-timestamp"), body)
	for _, key := range keys {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whpk_"))
		if err != nil || len(raw) != ed25519.PublicKeySize {
			t.Fatalf("public key %s: %v", key, err)
		}
		for signature := range strings.FieldsSeq(h.Get("webhook-signature")) {
			version, coded, _ := strings.Cut(signature, ",")
			sum, err := base64.StdEncoding.DecodeString(coded)
			if err != nil || version != "v1a" {
				t.Fatalf("signature %s: %v", signature, err)
			}
			if ed25519.Verify(raw, signed, sum) {
				by = append(by, key)
			}
		}
	}
	return by
}

// request is one as a server got it.
type request struct {
	header http.Header
	body   []byte
}

// requests starts a server that gives on what it gets.
func requests(t *testing.T) (url string, got <-chan request) {
	t.Helper()
	c := make(chan request, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c <- request{r.Header, body}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	return s.URL, c
}

func (a answer) texts(name string) (all []string) {
	list, _ := a.fields[name].([]any)
	for _, v := range list {
		all = append(all, v.(string))
	}
	return all
}

// A key pair is made when it is asked for; the public keys are served, the
// private ones never, and while one is replaced both sign.
func TestSigningWithAKeyPair(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	url, got := requests(t)
	p := start(t, withAPI("", perSpace, api.URL))
	ann := p.user("ann", "acme")
	made := ann.do("POST", "/subscriptions", fmt.Sprintf(`{"url": %q, "scopes": ["project.**"], "sign": {"scheme": "ed25519"}}`, url)).want(201)
	id, first := made.text("id"), made.texts("public_keys")
	if len(first) != 1 || made.fields["secret"] != nil || strings.Contains(made.raw, "whsk_") {
		t.Fatalf("made %s", made.raw)
	}
	posted := 0
	post := func(want []string) {
		t.Helper()
		posted++
		name := fmt.Sprintf(`"Roof %d"`, posted)
		p.call("POST", "/api/projects", `{"name":`+name+`}`, "X-Space", "acme")
		r := <-got
		for !strings.Contains(string(r.body), name) { // a kill may have it sent again
			r = <-got
		}
		if by := signedWith(t, r.header, r.body, want); !slices.Equal(by, want) || len(strings.Fields(r.header.Get("webhook-signature"))) != len(want) {
			t.Errorf("signed by %v, want %v: %s", by, want, r.header.Get("webhook-signature"))
		}
	}
	post(first)
	rotated := ann.do("POST", "/subscriptions/"+id+"/rotate", `{"grace": "1h"}`).want(200)
	both := rotated.texts("public_keys")
	if len(both) != 2 || both[1] != first[0] || strings.Contains(rotated.raw, "whsk_") {
		t.Fatalf("rotated: %s", rotated.raw)
	}
	p.kill()
	p.start()
	post(both)
	if shown := ann.do("GET", "/subscriptions/"+id, "").want(200).texts("public_keys"); !slices.Equal(shown, both) {
		t.Errorf("shown are %v", shown)
	}
	last := ann.do("POST", "/subscriptions/"+id+"/rotate", `{"grace": "0s"}`).want(200).texts("public_keys")
	post(last)
	var subs []struct {
		Keys []string `json:"public_keys"`
	}
	if p.get("/sidehook/subscriptions", &subs); len(subs) != 1 || !slices.Equal(subs[0].Keys, last) {
		t.Errorf("the admin endpoint shows %v", subs)
	}
	ann.do("POST", "/subscriptions/"+id+"/rotate", `{"secret": "whsec_c2lkZWhvb2stZTJlLXNlY3JldC0wMTIzNDU2Nzg5"}`).want(422)

	// Of another scheme the keys are of no use: there is a secret again.
	changed := ann.do("PATCH", "/subscriptions/"+id, `{"sign": {"scheme": "standard"}}`).want(200)
	if !strings.HasPrefix(changed.text("secret"), "whsec_") || changed.fields["public_keys"] != nil {
		t.Errorf("changed: %s", changed.raw)
	}
	back := ann.do("PATCH", "/subscriptions/"+id, `{"sign": {"scheme": "ed25519"}}`).want(200)
	if keys := back.texts("public_keys"); len(keys) != 1 || slices.Contains(both, keys[0]) || back.fields["secret"] != nil {
		t.Errorf("and back: %s", back.raw)
	}
}

// A subscription of the configuration signs with a key of the operator, who may
// have made it with openssl, and its public key is shown.
func TestSigningWithAKeyOfTheConfiguration(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	url, got := requests(t)
	p := prepare(t, caddyfile(fmt.Sprintf(`
		subscription crm %s {
			scopes project.**
			sign ed25519
			secret {env.CRM_KEY}
		}`, url), projects, api.URL))
	p.env = append(p.env, "CRM_KEY=whsk_"+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))
	p.start()
	var subs []struct {
		Keys []string `json:"public_keys"`
	}
	p.get("/sidehook/subscriptions", &subs)
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	r := <-got
	if by := signedWith(t, r.header, r.body, subs[0].Keys); len(by) != 1 {
		t.Errorf("the key that is shown, %v, does not verify %v", subs[0].Keys, r.header)
	}
	if shown := p.operate("GET", "/subscriptions/crm", "").want(200).texts("public_keys"); !slices.Equal(shown, subs[0].Keys) {
		t.Errorf("the API shows %v", shown)
	}
}

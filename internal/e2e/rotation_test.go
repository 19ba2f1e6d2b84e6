package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/examples/crud"
)

func hmacOf(key, text string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// verifiers are how receivers check the signatures of products, as these tell
// their users to: the header against what the receiver's one secret makes of the
// body.
var verifiers = map[string]struct {
	sign    string // as the subscription API has it
	several bool   // whether the header may hold more than one signature
	verify  func(key, header, body string) bool
}{
	"GitHub": {`{"scheme":"hmac","header":"X-Signature","encoding":"hex","as":"sha256={signature}"}`, false,
		func(key, header, body string) bool {
			return hmac.Equal([]byte(header), []byte("sha256="+hex.EncodeToString(hmacOf(key, body))))
		}},
	"Shopify": {`{"scheme":"hmac","header":"X-Signature","encoding":"base64"}`, false,
		func(key, header, body string) bool {
			given, err := base64.StdEncoding.DecodeString(header)
			return err == nil && hmac.Equal(given, hmacOf(key, body))
		}},
	"Pipeliner": {`{"scheme":"hmac","header":"X-Signature","encoding":"hex"}`, false,
		func(key, header, body string) bool {
			given, err := hex.DecodeString(header)
			return err == nil && hmac.Equal(given, hmacOf(key, body))
		}},
	"Stripe": {`{"scheme":"hmac","header":"X-Signature","encoding":"hex","over":"{timestamp}.{body}","as":"t={timestamp},v1={signature}","join":",v1="}`, true,
		func(key, header, body string) bool {
			var stamp string
			var given []string
			for part := range strings.SplitSeq(header, ",") {
				switch name, value, _ := strings.Cut(part, "="); name {
				case "t":
					stamp = value
				case "v1":
					given = append(given, value)
				}
			}
			for _, one := range given {
				if sum, err := hex.DecodeString(one); err == nil && hmac.Equal(sum, hmacOf(key, stamp+"."+body)) {
					return true
				}
			}
			return false
		}},
	"Outpost": {`{"scheme":"hmac","header":"X-Signature","encoding":"hex","as":"v0={signature}","join":","}`, true,
		func(key, header, body string) bool {
			for one := range strings.SplitSeq(strings.TrimPrefix(header, "v0="), ",") {
				if sum, err := hex.DecodeString(one); err == nil && hmac.Equal(sum, hmacOf(key, body)) {
					return true
				}
			}
			return false
		}},
}

// While a secret is replaced, each webhook is verified by receivers' own code:
// with the old secret for the grace, with the new one too where the header has
// room for both; and with the new one alone after it.
func TestReplacingASecretLeavesSignaturesThatReceiversVerify(t *testing.T) {
	p := start(t, withAPI("", perSpace, crudAPI(t, crud.Options{}).URL))
	ann := p.user("ann", "acme")
	for name, c := range verifiers {
		t.Run(name, func(t *testing.T) {
			got := make(chan [2]string, 10)
			r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err == nil {
					got <- [2]string{strings.Join(r.Header.Values("X-Signature"), ", "), string(body)}
				}
			}))
			defer r.Close()
			const old = "the secret that the receiver has"
			id := ann.do("POST", "/subscriptions", fmt.Sprintf(`{"url": %q, "scopes": ["project.**"], "sign": %s, "secret": %q}`, r.URL, c.sign, old)).want(201).text("id")
			defer ann.do("DELETE", "/subscriptions/"+id, "")
			verified := func(when, key string, want bool) {
				t.Helper()
				p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
				var sent [2]string
				select {
				case sent = <-got:
				case <-time.After(patience):
					t.Fatalf("%s: nothing came", when)
				}
				if is := c.verify(key, sent[0], sent[1]); is != want {
					t.Errorf("%s: verified is %t, want %t: %s", when, is, want, sent[0])
				}
			}
			rotate := func(body string) string {
				t.Helper()
				return ann.do("POST", "/subscriptions/"+id+"/rotate", body).want(200).text("secret")
			}
			verified("at first", old, true)
			second := rotate(`{"grace": "1h"}`)
			verified("the old one in the grace", old, true)
			verified("the new one in the grace", second, c.several)
			third := rotate(`{"grace": "0s"}`)
			verified("the new one after it", third, true)
			verified("the old one after it", old, false)
			fourth := rotate("")
			verified("the new one, where nothing is said of a grace", fourth, true)
			verified("the one before, where nothing is said of a grace", third, c.several)
		})
	}
}

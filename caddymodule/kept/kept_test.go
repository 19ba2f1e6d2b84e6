package kept_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/webhook"
)

// What a caller of the API sends is checked before it is kept: whether it can be read and
// delivered, and how much work its headers and signature make at each attempt.
func TestWhatIsKeptIsChecked(t *testing.T) {
	names := func(n int) []subscription.Header {
		return []subscription.Header{{Name: "X-Names", Value: strings.Repeat("{scope}", n)}}
	}
	for name, c := range map[string]struct {
		change func(*subscription.Subscription)
		wrong  string
	}{
		"as it should be": {func(*subscription.Subscription) {}, ""},
		"fifty names":     {func(s *subscription.Subscription) { s.Headers = names(50) }, ""},
		"fifty-one names": {func(s *subscription.Subscription) { s.Headers = names(51) }, "51 names in braces"},
		"names of a signature": {func(s *subscription.Subscription) {
			s.Headers = names(48)
			s.Sign = &subscription.Sign{Scheme: webhook.SignHMAC, Header: "X-Signature", Encoding: "hex", Over: "{timestamp}{body}"}
		}, "51 names in braces"},
		"no name":         {func(s *subscription.Subscription) { s.Headers = []subscription.Header{{Name: "X-A", Value: "{"}} }, "{"},
		"no scope":        {func(s *subscription.Subscription) { s.Scopes = []string{"a..b"} }, "scope"},
		"no filter":       {func(s *subscription.Subscription) { s.Filter = "after.a ==" }, "filter"},
		"nothing to dial": {func(s *subscription.Subscription) { s.URL = "ftp://crm.example.com" }, "http"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &subscription.Subscription{URL: "https://crm.example.com/hooks", Scopes: []string{"**"}}
			c.change(s)
			k := kept.Subscription{Content: kept.Content{Settings: s, Secrets: []kept.Secret{{Text: secret}}}}
			err := k.Check(nil, time.Now())
			if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%v, want %q", err, c.wrong)
			}
		})
	}
}

// Of a subscription that is deleted nothing is kept but that it was, and no secret.
func TestWhatIsDeletedKeepsNoSecret(t *testing.T) {
	now := time.Now()
	k := kept.Subscription{Content: kept.Content{
		Settings: &subscription.Subscription{URL: "https://crm.example.com/hooks", Scopes: []string{"**"}},
		Secrets:  []kept.Secret{{Text: secret}},
	}}
	k.ID, k.Deleted, k.Body = "sub_1", now, []byte(secret)
	s := sealer(t)
	out, err := k.Seal(s)
	if err != nil || out.Body != nil {
		t.Errorf("%d bytes are kept: %v", len(out.Body), err)
	}
	out.Body = []byte("what an earlier one left")
	got, again, err := kept.Open(out, s, now)
	if err != nil || again || got.Ready != nil || got.Body != nil || got.ID != "sub_1" {
		t.Errorf("it is read as %+v, to be sealed again: %t, %v", got, again, err)
	}
}

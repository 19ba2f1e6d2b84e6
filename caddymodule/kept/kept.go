// Package kept is a subscription that was made through the API, as it is on disk and
// in memory: its settings and secrets (kept.go, secrets.go), sealed by encryption_key
// (seal.go), and all of them in a [List] that is replaced at little cost.
package kept

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Subscription is a subscription that was made through the API. It is
// replaced, never changed.
type Subscription struct {
	store.Kept // without Body
	Content    Content
	Ready      *webhook.Subscription // nil: deleted
}

// Content is what is sealed of a subscription.
type Content struct {
	// Settings are those of the configuration, without name and secrets.
	Settings *subscription.Subscription `json:"settings"`

	// Secrets are newest first; the first has no end.
	Secrets []Secret `json:"secrets,omitempty"`

	// Repeat knows a repeat of the call that made it.
	Repeat *Repeat `json:"repeat,omitempty"`

	// Rotated know repeats of the calls that replaced its secret, newest first. The
	// first secret is that of the first of them.
	Rotated []Repeat `json:"rotated,omitempty"`
}

// Secret is a secret that signs until it ends.
type Secret struct {
	Text  string    `json:"text"`
	Until time.Time `json:"until,omitzero"` // zero: no end
}

// Repeat is what tells that a call is one that was made before.
type Repeat struct {
	Key   string    `json:"key"`
	Body  []byte    `json:"body"` // its hash
	Until time.Time `json:"until"`
}

// NewID returns an id that nobody can guess.
func NewID() webhook.SubscriptionID {
	return webhook.SubscriptionID(prefix + strings.ToLower(rand.Text()))
}

const prefix = "sub_"

// IsMade reports whether id looks like one that NewID made.
func IsMade(id webhook.SubscriptionID) bool { return strings.HasPrefix(string(id), prefix) }

// Signs returns the secrets that sign at now.
func (b *Content) Signs(now time.Time) (secrets []Secret) {
	for _, s := range b.Secrets {
		if s.Until.IsZero() || now.Before(s.Until) {
			secrets = append(secrets, s)
		}
	}
	return secrets
}

// Ended reports whether fewer secrets sign at now than are in use.
func (b *Content) Ended(now time.Time, used int) bool {
	return len(b.Secrets) > 0 && used > 1 && len(b.Signs(now)) < used
}

// NextEnd returns when the next secret ends after now; zero: none does.
func (b *Content) NextEnd(now time.Time) (next time.Time) {
	for _, s := range b.Secrets {
		if s.Until.After(now) && (next.IsZero() || s.Until.Before(next)) {
			next = s.Until
		}
	}
	return next
}

// Build returns k as a subscription, with the secrets that sign at now. Nothing
// in it is read from the environment or from files: it is a stranger's.
func (k *Subscription) Build(now time.Time) *webhook.Subscription {
	out := k.Content.Settings.Literally()
	for _, s := range k.Content.Signs(now) {
		out.Secrets = append(out.Secrets, webhook.NewSecret(s.Text))
	}
	out.ID, out.Tenant = k.ID, k.Tenant
	for _, v := range out.For {
		v.ID, v.Tenant, v.Secrets = out.ID, out.Tenant, out.Secrets
	}
	return out
}

// Check says what is wrong with the settings of k.
func (k *Subscription) Check(payloads map[string]rules.Payload, now time.Time) error {
	if err := k.Content.Settings.CheckLiterally(payloads); err != nil {
		return err
	}
	sub := k.Build(now)
	if err := rules.CheckSubscription(sub, payloads); err != nil {
		return err
	}
	if err := checkNames(sub); err != nil {
		return err
	}
	return deliver.Check(sub)
}

// mostNames bounds the names in braces in the headers and the signature of a
// subscription made through the API: each is looked up in the event at each attempt.
const mostNames = 50

func checkNames(sub *webhook.Subscription) error {
	texts := []string{sub.Sign.Over, sub.Sign.As}
	for _, h := range sub.Headers {
		texts = append(texts, h.Value)
	}
	n := 0
	for _, text := range texts {
		t, err := webhook.ParseTemplate(text)
		if err != nil {
			return err
		}
		n += len(t.Names())
	}
	if n > mostNames {
		return fmt.Errorf("the headers and sign have %d names in braces, like {scope}: write %d at most", n, mostNames)
	}
	for _, of := range sub.For {
		if err := checkNames(of); err != nil {
			return err
		}
	}
	return nil
}

// Seal returns k as the store keeps it.
func (k *Subscription) Seal(s *Sealer) (store.Kept, error) {
	out := k.Kept
	if out.Body = nil; !out.Deleted.IsZero() {
		return out, nil
	}
	text, err := json.Marshal(k.Content)
	if err != nil {
		return out, fmt.Errorf("seal subscription %s: %w", k.ID, err)
	}
	out.Body = s.seal(k.ID, text)
	return out, nil
}

// Open undoes [Subscription.seal]; again says that s would seal it
// otherwise.
func Open(kept store.Kept, s *Sealer, now time.Time) (k *Subscription, again bool, err error) {
	k = &Subscription{Kept: kept}
	k.Kept.Body = nil
	if !kept.Deleted.IsZero() {
		return k, false, nil
	}
	text, again, err := s.Open(kept.ID, kept.Body)
	if err == nil {
		err = json.Unmarshal(text, &k.Content)
	}
	if err == nil && k.Content.Settings == nil {
		err = fmt.Errorf("it is damaged")
	}
	if err != nil {
		return nil, false, fmt.Errorf("subscription %s, made through the API: %w", kept.ID, err)
	}
	k.Ready = k.Build(now)
	return k, again, nil
}

package subscription

import (
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// What is given through the API is a stranger's: nothing in it is read from the
// environment or from files, and more of it is bounded.

// maxFor bounds for how many resources a stranger's subscription may be otherwise.
const maxFor = 50

// leastWait is the shortest wait of a stranger's schedule: the receiver may be
// somebody else's, and each event is an attempt more for each wait. Those of the
// Caddyfile may be shorter.
const leastWait = time.Second

// Literally returns s ready for use, what is written being what it says. It has no
// id and no secrets.
func (s *Subscription) Literally() *webhook.Subscription {
	out := s.literally()
	for resource, f := range s.For {
		if f == nil {
			continue // refused elsewhere
		}
		if out.For == nil {
			out.For = make(map[string]*webhook.Subscription)
		}
		out.For[resource] = s.with(f).literally()
	}
	return out
}

func (s *Subscription) literally() *webhook.Subscription {
	out := s.plain()
	out.ID, out.Static, out.AllowPrivate = "", false, s.AllowPrivate
	out.URL, out.Headers, out.Credential = s.URL, literalHeaders(s.Headers), s.literalCredential()
	return out
}

// literalHeaders returns headers as they are written.
func literalHeaders(headers []Header) (out []webhook.HeaderTemplate) {
	for _, h := range headers {
		out = append(out, webhook.HeaderTemplate{Name: textproto.CanonicalMIMEHeaderKey(h.Name), Value: h.Value})
	}
	return out
}

// CheckLiterally says what is wrong with s, if it is a stranger's.
func (s *Subscription) CheckLiterally(payloads map[string]rules.Payload) error {
	if err := s.check(payloads); err != nil {
		return err
	}
	if err := CheckURL(s.URL); err != nil {
		return err
	}
	if err := checkHeaders(s.Headers); err != nil {
		return err
	}
	return s.checkLiteralFor(payloads)
}

// checkLiteralFor says what is wrong with what s has for some resources.
func (s *Subscription) checkLiteralFor(payloads map[string]rules.Payload) error {
	if len(s.For) > maxFor {
		return fmt.Errorf("for has %d resources: at most %d", len(s.For), maxFor)
	}
	for _, resource := range slices.Sorted(maps.Keys(s.For)) {
		f := s.For[resource]
		switch {
		case f == nil:
			return fmt.Errorf("for.%s is null: write the options that it replaces", resource)
		case f.Filter != "":
			return fmt.Errorf("for.%s.filter: write it in filter, as in resource != %q || …", resource, resource)
		}
		if err := checkHeaders(f.Headers); err != nil {
			return fmt.Errorf("for.%s: %w", resource, err)
		}
		if err := s.with(f).check(payloads); err != nil {
			return fmt.Errorf("for.%s: %w", resource, err)
		}
	}
	return nil
}

// CheckWaits refuses a schedule, of s or for a resource, that does not wait long
// enough for a stranger.
func (s *Subscription) CheckWaits() error {
	if err := s.Retry.checkWaits(); err != nil {
		return err
	}
	for _, resource := range slices.Sorted(maps.Keys(s.For)) {
		f := s.For[resource]
		if f == nil {
			continue // refused elsewhere
		}
		if err := f.Retry.checkWaits(); err != nil {
			return fmt.Errorf("for %s: %w", resource, err)
		}
	}
	return nil
}

func (r *Retry) checkWaits() error {
	if r == nil {
		return nil
	}
	for i, wait := range *r {
		if time.Duration(wait) < leastWait {
			return fmt.Errorf(`retry: wait %d of %d is %s: write %s at least, like ["5s", "5m"], or the name of a schedule: short, standard, long or none`,
				i+1, len(*r), time.Duration(wait), leastWait)
		}
	}
	return nil
}

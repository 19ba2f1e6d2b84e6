package webhook

import "time"

// Sight is what the API last answered to a subscriber's own GET of an entity:
// whether that may see it.
type Sight struct {
	Key     EntityKey
	Visible bool
	At      time.Time
}

// Credential is a header with which the API is asked as somebody.
type Credential struct {
	Header string // canonical
	Value  Secret
}

// IsZero reports whether there is none.
func (c Credential) IsZero() bool { return c.Header == "" }

// QueryParameter is one of the parameters of a subscriber's own GET.
type QueryParameter struct {
	Name   string
	Values []string // joined by commas, or one after the other if Name ends in []
}

// View is what a subscriber's own GET of an entity asks for.
type View struct {
	Expand []string
	Query  []QueryParameter
}

// MaxLooks is how many deliveries of one subscription whose own GETs decide are
// in flight at once, at most, whatever its concurrency is: those GETs must leave
// an API to the others.
const MaxLooks = 16

// Withheld says why nothing is sent to a subscriber that wants its own GET to
// decide: that GET did not show the entity.
type Withheld struct {
	Outcome Outcome   // Hidden, NotYet, Unasked or Denied
	Why     string    // in words, for the subscriber's owner too
	Until   time.Time // NotYet, Unasked: when to ask again
}

package webhook

import (
	"strings"
	"time"
)

// Begin is the journal's note that a captured call is about to be forwarded.
// One without an end after a crash is a call whose outcome is unknown.
type Begin struct {
	ID      ExchangeID
	API     string
	Config  ConfigID
	Started time.Time
	Method  string
	Path    string // as in [Request.Path]
	Query   string // as in [Request.Query]

	// Header (what expressions read of it), SkipKey and Placeholders are kept here
	// too, so that a reconciled call has its tenant, and its maker is not told of it.
	Header       Header
	SkipKey      string
	Placeholders map[string]string
}

// Exchange is one captured call as the journal keeps it: what was asked, what
// was answered, and how it ended. Credentials are never in it.
type Exchange struct {
	ID      ExchangeID
	API     string
	Config  ConfigID // the handler configuration that captured it, and derives it
	Started time.Time
	Ended   time.Time
	Ending  Ending

	Request  Request
	Response Response

	// Before is what a GET saw before the call was forwarded, or nil.
	Before *Observation

	// Placeholders holds the values, at capture, of the Caddy placeholders that
	// the configuration's tenant and actor name, by placeholder without braces.
	Placeholders map[string]string

	// Overlapped says that another captured call that names the same entity by
	// its path was open at some time while this one was.
	Overlapped bool

	// ClientGone says that the client hung up before it had the whole answer.
	ClientGone bool

	// Cause is the exchange that this one follows from (a refresh, a later
	// observation), or zero. Service says that such a one was made as the
	// service, not as the caller.
	Cause   ExchangeID
	Service bool

	// Seed is the resource of whose list this is a page, of a crawl that earns
	// nothing; "" if it is none. Its answer is an array of entities.
	Seed string
}

// Ending says how an exchange ended, as far as the proxy could see.
type Ending uint8

const (
	Completed Ending = iota // the whole answer was seen; its status decides
	Truncated               // a final status was seen, and then the answer broke off
	Unknown                 // no trustworthy final status: timeout, reset, 502 or 504 after sending, crash
	Rejected                // the final status says that nothing was done; nothing else is kept
)

// String returns the ending as logs show it.
func (e Ending) String() string {
	switch e {
	case Completed:
		return "completed"
	case Truncated:
		return "truncated"
	case Unknown:
		return "unknown"
	case Rejected:
		return "rejected"
	}
	return "invalid"
}

// Request is the part of a request that derivation may need.
type Request struct {
	Method string
	Path   string // escaped path, as it was where the directive stands
	Query  string // raw query, without "?"
	Header Header // only what the configuration or derivation reads; never credentials
	Body   Body

	ID      string // the caller's or Caddy's request id, if there is one
	Trace   string // W3C traceparent, if the call had one
	SkipKey string // value of the skip header, if any

	// Caller is a keyed hash of the caller's credential; empty if there was
	// none. It serves only to recognise the same caller again.
	Caller []byte
}

// Response is the part of a response that derivation may need.
type Response struct {
	Status int
	Header Header
	Body   Body
}

// Body is a captured body: bytes as sent (still content-coded), or the reason
// why there are none.
type Body struct {
	Bytes   []byte
	Missing Missing
}

// Missing says why a body's bytes are not there.
type Missing uint8

const (
	NotMissing Missing = iota // Bytes is the whole body, which may be empty
	TooLarge                  // longer than max_body
	NoBudget                  // the process's capture budget was spent
	Unread                    // the API answered without reading all of it
	Unparsable                // a redact rule could not be applied, so nothing was kept
	Streamed                  // an upgrade, an event stream or another endless body
	CutOff                    // broke off before its end
)

// String returns the reason as gaps and logs show it.
func (m Missing) String() string {
	switch m {
	case NotMissing:
		return ""
	case TooLarge:
		return "body larger than max_body"
	case NoBudget:
		return "capture memory was full"
	case Unread:
		return "request body was not read to its end"
	case Unparsable:
		return "body to redact could not be parsed"
	case Streamed:
		return "body is a stream"
	case CutOff:
		return "body broke off"
	}
	return "invalid"
}

// Whole reports whether the body was captured to its end.
func (b Body) Whole() bool { return b.Missing == NotMissing }

// Header holds header fields by canonical name. It is net/http's form without
// net/http.
type Header map[string][]string

// Get returns the first value of name (in canonical form), or "".
func (h Header) Get(name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// MediaType returns the media type of Content-Type, lower case, without
// parameters.
func (h Header) MediaType() string {
	t, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// Observation is what a GET of an entity answered.
type Observation struct {
	Requested time.Time
	Received  time.Time
	Status    int // 0: no answer, see Error
	Header    Header
	Body      Body
	Error     string // in words, if there was no answer
	Service   bool   // it was made as the service, not as the caller
}

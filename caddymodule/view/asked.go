package view

import (
	"encoding/json"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// SeedRequest is what `sidehook seed` asks for.
type SeedRequest struct {
	API         string            `json:"api,omitempty"`
	Path        string            `json:"path,omitempty"`  // of the list; "": the resource's
	Query       string            `json:"query,omitempty"` // of the first page
	Items       string            `json:"items,omitempty"` // path of the list in a page; "": found
	Page        string            `json:"page,omitempty"`  // parameter that numbers the pages
	Offset      string            `json:"offset,omitempty"`
	Cursor      string            `json:"cursor,omitempty"`    // parameter that says where the next page begins
	CursorAt    string            `json:"cursor_at,omitempty"` // path of its value in the page before
	Full        string            `json:"full"`                // auto, list, each
	Pause       time.Duration     `json:"pause"`
	Header      map[string]string `json:"header,omitempty"`
	Placeholder map[string]string `json:"placeholder,omitempty"`
}

// SeedState is how far a crawl has come. It is kept after each page, so that the
// next step, of this process or a later one, goes on there.
type SeedState struct {
	Request  SeedRequest   `json:"request"`
	Resource string        `json:"resource"`
	Next     string        `json:"next,omitempty"` // what is to be asked for next
	Number   int           `json:"number"`         // of the page, or the offset, that is next
	Full     string        `json:"full,omitempty"` // list or each, once that is known
	First    string        `json:"first,omitempty"`
	Pages    int           `json:"pages"`
	Entities int           `json:"entities"`
	Unnamed  int           `json:"unnamed"` // elements without an id
	Missing  int           `json:"missing"` // entities of which no GET showed anything
	Done     bool          `json:"done"`
	Note     string        `json:"note,omitempty"`
	Wait     time.Duration `json:"wait,omitempty"` // the API asks for patience
	Began    time.Time     `json:"began"`
	Ended    time.Time     `json:"ended,omitzero"`
}

// Numbered returns the parameter that says which page is meant, "" if none does.
func (q *SeedRequest) Numbered() string {
	if q.Page != "" {
		return q.Page
	}
	return q.Offset
}

// Trigger is what is asked for: an example of a scope, to one subscription.
type Trigger struct {
	Scope        string                 `json:"scope"`
	Subscription webhook.SubscriptionID `json:"subscription"`
	Data         json.RawMessage        `json:"data,omitempty"` // of the example; null: that of the newest event of the scope
}

// Streamed is a line of a stream: an event as a subscription would get it, or no
// more than how far the stream is.
type Streamed struct {
	Position    uint64                `json:"position"`
	ID          string                `json:"id,omitempty"`
	Scope       string                `json:"scope,omitempty"`
	Entity      string                `json:"entity,omitempty"`
	ContentType string                `json:"content_type,omitempty"`
	Headers     []webhook.HeaderValue `json:"headers,omitempty"` // beside those of every webhook
	Body        []byte                `json:"body,omitempty"`    // byte for byte: it is signed
	Error       string                `json:"error,omitempty"`
}

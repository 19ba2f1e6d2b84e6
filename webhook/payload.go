package webhook

// HeaderValue is one header that a payload brings.
type HeaderValue struct{ Name, Value string }

// Payload is what one delivery sends, before it is signed.
type Payload struct {
	ID          string // the webhook-id header: see [Delivery.WebhookID]
	ContentType string
	Body        []byte
	Trace       string // traceparent, "" for none
	Headers     []HeaderValue
	Resource    string // that the event is about; see [Subscription].For

	// Withheld, unless it is nil, is why nothing is sent; then there is nothing
	// else but Sights.
	Withheld *Withheld

	// Sights are what the subscriber's own GETs showed, to be kept. If they are not
	// nil, or it is withheld, the API was asked.
	Sights []Sight

	// Resolve returns the value of a name in a header or signing template, such
	// as scope or entity.id.
	Resolve func(name string) (string, error)
}

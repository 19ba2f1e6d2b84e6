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

	// Resolve returns the value of a name in a header or signing template, such
	// as scope or entity.id.
	Resolve func(name string) (string, error)
}

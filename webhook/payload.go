package webhook

// Payload is what one delivery sends, before it is signed.
type Payload struct {
	ID          string // the webhook-id header: the event's id
	ContentType string
	Body        []byte
	Trace       string // traceparent, "" for none
	Resource    string // that the event is about; see [Subscription].For

	// Resolve returns the value of a name in a header or signing template, such
	// as scope or entity.id.
	Resolve func(name string) (string, error)
}

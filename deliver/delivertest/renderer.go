package delivertest

import (
	"context"
	"fmt"

	"github.com/sidehook/sidehook/webhook"
)

// Renderer renders every delivery as a small JSON body that names its event.
// In templates, {scope} is project.updated, and every name of Values its value.
type Renderer struct {
	Values map[string]string
	Trace  string
	About  map[webhook.EventID]string // resources
	Err    error                      // if set, nothing can be rendered
}

// Render implements deliver.Renderer.
func (r Renderer) Render(ctx context.Context, d *webhook.Delivery, s *webhook.Subscription) (webhook.Payload, error) {
	return webhook.Payload{
		ID:          string(d.Event),
		ContentType: "application/json",
		Body:        fmt.Appendf(nil, `{"type":"project.updated","event":%q}`, d.Event),
		Trace:       r.Trace,
		Resource:    r.About[d.Event],
		Resolve:     r.resolve,
	}, r.Err
}

func (r Renderer) resolve(name string) (string, error) {
	if v, ok := r.Values[name]; ok {
		return v, nil
	}
	if name == "scope" {
		return "project.updated", nil
	}
	return "", fmt.Errorf("no such name")
}

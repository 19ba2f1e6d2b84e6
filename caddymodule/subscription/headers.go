package subscription

import (
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/sidehook/sidehook/caddymodule/source"
	"github.com/sidehook/sidehook/webhook"
)

// own are the headers that Sidehook, or HTTP itself, sets.
var own = []string{
	"Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Te", "Upgrade",
	"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature", "Webhook-Attempt", "Content-Type",
}

// checkHeader says what is wrong with a header of a subscription.
func checkHeader(h Header) error {
	if !httpguts.ValidHeaderFieldName(h.Name) {
		if name := strings.TrimSuffix(h.Name, ":"); httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("header %q is no header name: write it without the colon, %s", h.Name, name)
		}
		return fmt.Errorf("header %q is no header name: write letters, digits and -, like X-Topic", h.Name)
	}
	if name := textproto.CanonicalMIMEHeaderKey(h.Name); slices.Contains(own, name) {
		return fmt.Errorf("header %s is set by Sidehook itself: leave it out", name)
	}
	if strings.ContainsAny(h.Value, "\r\n\x00") {
		return fmt.Errorf("header %s has a line break in its value", h.Name)
	}
	if _, err := webhook.ParseTemplate(source.Without(h.Value)); err != nil {
		return fmt.Errorf("header %s: %w", h.Name, err)
	}
	return nil
}

func checkHeaders(headers []Header) error {
	for _, h := range headers {
		if err := checkHeader(h); err != nil {
			return err
		}
	}
	return nil
}

// buildHeaders returns headers with what they take from the environment and
// from files read.
func buildHeaders(headers []Header) ([]webhook.HeaderTemplate, error) {
	var out []webhook.HeaderTemplate
	for _, h := range headers {
		if err := checkHeader(h); err != nil {
			return nil, err
		}
		value, err := source.ReadWith(h.Value, doubleBraces.Replace)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", h.Name, err)
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			return nil, fmt.Errorf("header %s: what it takes from the environment or a file has a line break in it", h.Name)
		}
		out = append(out, webhook.HeaderTemplate{
			Name: textproto.CanonicalMIMEHeaderKey(h.Name), Value: value, Secret: source.In(h.Value),
		})
	}
	return out, nil
}

// doubleBraces makes text what a template yields again.
var doubleBraces = strings.NewReplacer("{", "{{", "}", "}}")

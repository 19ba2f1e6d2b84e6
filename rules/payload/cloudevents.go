package payload

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// Payloads that are CloudEvents 1.0, and their content types (CloudEvents HTTP
// protocol binding 1.0.2, section 3).
const (
	payloadCloudEvents       = "cloudevents"
	payloadCloudEventsBinary = "cloudevents_binary"

	typeCloudEvent      = "application/cloudevents+json"
	typeCloudEventBatch = "application/cloudevents-batch+json"
)

// cloudEvent is an event in structured mode: the standard payload is its data.
type cloudEvent struct{}

func (cloudEvent) append(dst []byte, v *Vars, fields lang.Globs) ([]byte, error) {
	dst = append(dst, `{"specversion":"1.0"`...)
	for _, a := range attributesOf(v.event) {
		dst = append(lang.AppendString(append(dst, ','), a.Name), ':')
		dst = lang.AppendString(dst, a.Value)
	}
	dst = append(dst, `,"datacontenttype":"application/json","data":`...)
	dst, err := standardBody{}.append(dst, v, fields)
	return append(dst, '}'), err
}

// cloudEventData is an event in binary mode: the body is the standard payload,
// and the attributes are headers.
type cloudEventData struct{ standardBody }

// attributesOf returns the attributes of e but specversion and datacontenttype.
//
// source is /sidehook/ and the api. subject is the resource, a slash and the id
// of the entity. sequence is e's position, padded so that texts sort as the
// numbers do: it grows over all events of a source (extension "sequence").
func attributesOf(e *webhook.Event) []webhook.HeaderValue {
	subject := e.Key.Resource
	if e.Key.ID != "" {
		subject += "/" + e.Key.ID
	}
	all := []webhook.HeaderValue{
		{Name: "id", Value: string(e.ID)},
		{Name: "source", Value: "/sidehook/" + url.PathEscape(e.Key.API)},
		{Name: "type", Value: e.Scope},
	}
	if subject != "" {
		all = append(all, webhook.HeaderValue{Name: "subject", Value: subject})
	}
	if !e.Time.IsZero() {
		all = append(all, webhook.HeaderValue{Name: "time", Value: e.Time.UTC().Format(time.RFC3339Nano)})
	}
	return append(all, webhook.HeaderValue{Name: "sequence", Value: fmt.Sprintf("%020d", e.Position)})
}

// cloudEventHeaders returns the attributes of e as headers (HTTP protocol
// binding, section 3.1.3).
func cloudEventHeaders(e *webhook.Event) []webhook.HeaderValue {
	all := append(attributesOf(e), webhook.HeaderValue{Name: "specversion", Value: "1.0"})
	for i := range all {
		all[i] = webhook.HeaderValue{Name: "Ce-" + strings.ToUpper(all[i].Name[:1]) + all[i].Name[1:], Value: percentEncode(all[i].Value)}
	}
	return all
}

// percentEncode encodes what a header of an attribute cannot carry: space, the
// double quote, the percent sign and all that is not printable ASCII.
func percentEncode(text string) string {
	var out strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case c <= ' ', c >= 0x7f, c == '"', c == '%':
			out.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(c)+0x100, 16)[1:]))
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

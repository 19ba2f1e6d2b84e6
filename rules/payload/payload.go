// Package payload says what of an event is sent: the bodies that need no
// configuration, those that it declares, chunks and forms. Filters and templates
// see an event as payloads do.
//
// A [Shape] is how one subscription has its events: its body, fields, headers and
// templates, compiled in shape.go. It renders an event through [Vars], which are the names
// that expressions and templates may read of it (vars.go, objects.go).
package payload

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/mapping"
	"github.com/sidehook/sidehook/webhook"
)

// Payloads that need no configuration, and content types.
const (
	payloadStandard = "standard"
	payloadFull     = "full"
	payloadThin     = "thin"

	contentJSON = "json"
	contentForm = "form"
)

// Bodies are the payloads of the configuration, compiled.
type Bodies map[string]body

// body appends the JSON of a payload to dst.
type body interface {
	append(dst []byte, v *Vars, fields lang.Globs) ([]byte, error)
}

// CompileAll compiles the payloads of the configuration. An error names
// the payload and the line.
func CompileAll(payloads map[string]mapping.Payload) (Bodies, error) {
	out := make(Bodies, len(payloads))
	for _, name := range slices.Sorted(maps.Keys(payloads)) {
		switch name {
		case payloadStandard, payloadFull, payloadThin, payloadCloudEvents, payloadCloudEventsBinary:
			return nil, fmt.Errorf("payload %s: the name is taken; choose another", name)
		}
		m, err := mapping.Compile(payloads[name], lang.EnvEvent)
		if err != nil {
			return nil, fmt.Errorf("payload %s: %w", name, err)
		}
		out[name] = named{m}
	}
	return out, nil
}

// findBody returns the body that name means.
func findBody(name string, bodies Bodies) (body, error) {
	switch name {
	case "", payloadStandard:
		return standardBody{}, nil
	case payloadFull:
		return fullBody{}, nil
	case payloadThin:
		return thinBody{}, nil
	case payloadCloudEvents:
		return cloudEvent{}, nil
	case payloadCloudEventsBinary:
		return cloudEventData{}, nil
	}
	if b, ok := bodies[name]; ok {
		return b, nil
	}
	known := append([]string{payloadStandard, payloadFull, payloadThin, payloadCloudEvents, payloadCloudEventsBinary}, slices.Sorted(maps.Keys(bodies))...)
	return nil, fmt.Errorf("there is no payload %q: write %s, or declare payload %s", name, strings.Join(known, ", "), name)
}

// ownNames are names in templates whose values the deliverer has.
var (
	headerOwn = []string{"webhook_id", "timestamp"}
	signOwn   = []string{"body", "webhook_id", "timestamp", "signature"}
)

// CheckTemplates checks the templates of headers and signing.
func CheckTemplates(sub *webhook.Subscription, wrap func(option string, err error) error) error {
	for _, h := range sub.Headers {
		if err := checkTemplate(h.Value, headerOwn); err != nil {
			return wrap("header "+h.Name, err)
		}
	}
	if err := checkTemplate(sub.Sign.Over, signOwn[:3]); err != nil {
		return wrap("sign over", err)
	}
	if err := checkTemplate(sub.Sign.As, signOwn); err != nil {
		return wrap("sign as", err)
	}
	return nil
}

func checkTemplate(text string, own []string) error {
	t, err := webhook.ParseTemplate(text)
	if err != nil {
		return err
	}
	for _, name := range t.Names() {
		if slices.Contains(own, name) {
			continue
		}
		p, err := lang.ParsePath(name)
		if err == nil {
			err = lang.EnvEvent.CheckPath(p)
		}
		if err != nil {
			return fmt.Errorf("{%s}: %w; %s may be used too", name, err, strings.Join(own, ", "))
		}
	}
	return nil
}

// rawText returns JSON as templates and forms show it: strings without quotes,
// "" for null, everything else as it is written.
func rawText(raw json.RawMessage) string {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return ""
	case raw[0] == '"':
		s, _ := lang.Decode(raw)
		text, _ := s.(string)
		return text
	}
	return string(raw)
}

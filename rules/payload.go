package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
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

// body appends the JSON of a payload to dst.
type body interface {
	append(dst []byte, v *eventVars, fields lang.Globs) ([]byte, error)
}

// compilePayloads compiles the payloads of the configuration. An error names
// the payload and the line.
func compilePayloads(payloads map[string]Payload) (map[string]body, error) {
	out := make(map[string]body, len(payloads))
	for _, name := range slices.Sorted(maps.Keys(payloads)) {
		switch name {
		case payloadStandard, payloadFull, payloadThin, payloadCloudEvents, payloadCloudEventsBinary:
			return nil, fmt.Errorf("payload %s: the name is taken; choose another", name)
		}
		m, err := compileMapping(payloads[name])
		if err != nil {
			return nil, fmt.Errorf("payload %s: %w", name, err)
		}
		out[name] = m
	}
	return out, nil
}

// findBody returns the body that name means.
func findBody(name string, bodies map[string]body) (body, error) {
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

// mapping is a compiled [Payload]: JSON with values between.
type mapping []segment

// segment is JSON text, and the value that follows it (none at the end).
type segment struct {
	text  string
	value *lang.Expr
}

func compileMapping(p Payload) (mapping, error) {
	var m mapping
	switch {
	case p.Expr != "" && len(p.Fields) > 0:
		return nil, fmt.Errorf("it has an expression and lines: write one of both")
	case p.Expr != "":
		x, err := lang.Compile(p.Expr, lang.EnvEvent)
		return mapping{{value: x}}, err
	case len(p.Fields) == 0:
		return nil, fmt.Errorf("it is empty: write lines of a key and an expression, like EntityId int(id)")
	}
	end, err := m.object("", p.Fields, "")
	return append(m, segment{text: end}), err
}

// object appends the segments of fields to m, after text; it returns the text
// that is still to come.
func (m *mapping) object(text string, fields []Field, place string) (string, error) {
	text += "{"
	seen := map[string]bool{}
	for i, f := range fields {
		at := place + f.Key
		if seen[f.Key] {
			return "", fmt.Errorf("%s stands there twice", at)
		}
		seen[f.Key] = true
		if i > 0 {
			text += ","
		}
		text += string(lang.AppendString(nil, f.Key)) + ":"
		switch {
		case f.Expr != "" && len(f.Fields) > 0:
			return "", fmt.Errorf("%s has an expression and a block: write one of both", at)
		case f.Expr == "" && len(f.Fields) == 0:
			return "", fmt.Errorf("%s has no value: write an expression, like %s entity.name", at, f.Key)
		case f.Expr == "":
			var err error
			if text, err = m.object(text, f.Fields, at+"."); err != nil {
				return "", err
			}
			continue
		}
		x, err := lang.Compile(f.Expr, lang.EnvEvent)
		if err != nil {
			return "", fmt.Errorf("%s: %w", at, err)
		}
		*m = append(*m, segment{text, x})
		text = ""
	}
	return text + "}", nil
}

func (m mapping) append(dst []byte, v *eventVars, _ lang.Globs) ([]byte, error) {
	var err error
	for _, s := range m {
		dst = append(dst, s.text...)
		if s.value == nil {
			continue
		}
		if dst, err = appendValue(dst, v, s.value); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// appendValue appends what x comes to. Of a path the bytes are copied, so that
// 15000.00 stays 15000.00.
func appendValue(dst []byte, v *eventVars, x *lang.Expr) ([]byte, error) {
	if root, p, ok := x.PlainPath(); ok {
		if raw := v.raw(root); raw != nil {
			if at, ok := p.Get(raw); ok {
				return append(dst, at...), nil
			}
			return append(dst, "null"...), nil
		}
	}
	got, err := x.Eval(v, nil)
	if err != nil {
		return nil, err
	}
	return lang.AppendJSON(dst, got)
}

// ownNames are names in templates whose values the deliverer has.
var (
	headerOwn = []string{"webhook_id", "timestamp"}
	signOwn   = []string{"body", "webhook_id", "timestamp", "signature"}
)

// checkTemplates checks the templates of headers and signing.
func checkTemplates(sub *webhook.Subscription, wrap func(string, error) error) error {
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

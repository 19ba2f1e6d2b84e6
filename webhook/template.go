package webhook

import (
	"fmt"
	"strings"
)

// Template is text with names in braces: "sha256={signature}". A doubled brace
// is one brace.
type Template struct{ parts []templatePart }

type templatePart struct{ text, name string }

// ParseTemplate reads s, or says what is wrong with it.
func ParseTemplate(s string) (Template, error) {
	var t Template
	var text strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case (s[i] == '{' || s[i] == '}') && i+1 < len(s) && s[i+1] == s[i]:
			text.WriteByte(s[i])
			i++
		case s[i] == '}':
			return t, fmt.Errorf("template %q: } without {; write }} for a brace", s)
		case s[i] == '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 2 {
				return t, fmt.Errorf("template %q: { wants a name and a }, like {scope}; write {{ for a brace", s)
			}
			t.parts = append(t.parts, templatePart{text.String(), s[i+1 : i+end]})
			text.Reset()
			i += end
		default:
			text.WriteByte(s[i])
		}
	}
	if text.Len() > 0 {
		t.parts = append(t.parts, templatePart{text: text.String()})
	}
	return t, nil
}

// Names returns the names in t, in order.
func (t Template) Names() []string {
	var names []string
	for _, p := range t.parts {
		if p.name != "" {
			names = append(names, p.name)
		}
	}
	return names
}

// Execute returns t with each name replaced by what resolve returns for it. A
// result of more than most bytes is an error, and is not made: a name may stand in
// a template any number of times, and be replaced by a large text.
func (t Template) Execute(most int, resolve func(name string) (string, error)) (string, error) {
	var out strings.Builder
	for _, p := range t.parts {
		v := ""
		if p.name != "" {
			var err error
			if v, err = resolve(p.name); err != nil {
				return "", fmt.Errorf("{%s}: %w", p.name, err)
			}
		}
		if out.Len()+len(p.text)+len(v) > most {
			return "", fmt.Errorf("it comes to more than %d bytes", most)
		}
		out.WriteString(p.text)
		out.WriteString(v)
	}
	return out.String(), nil
}

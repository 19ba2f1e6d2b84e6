package ruleset

import (
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
)

// ParseMapping reads the lines of a payload or of attributes:
//
//	KEY EXPR
//	KEY {
//		…
//	}
//
// A key with a question mark behind it, like label?, is left out where there is
// nothing to say; in quotes it is a part of the key.
func ParseMapping(lines []*directive.Line, env lang.Environment) ([]rules.Field, error) {
	var fields []rules.Field
	for _, l := range lines {
		f, err := parseMappingLine(l, env)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(fields, func(other rules.Field) bool { return other.Key == f.Key }) {
			return nil, l.Errf("%s stands twice in this object: write it once", f.Key)
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func parseMappingLine(l *directive.Line, env lang.Environment) (rules.Field, error) {
	l.Usage = l.Name() + " EXPR, or " + l.Name() + " { … } for an object"
	f := rules.Field{Key: l.Name()}
	if !l.Words[0].Quoted() {
		f.Key, f.Optional = strings.CutSuffix(f.Key, "?")
	}
	if f.Key == "" {
		return f, l.Errf("the key is empty: write a name and an expression")
	}
	if err := noJSON(l); err != nil {
		return f, err
	}
	var err error
	switch {
	case l.Braces && len(l.Args()) > 0:
		return f, l.Args()[0].Errf("%s has an expression and a block: write %s", l.Name(), l.Usage)
	case l.Braces:
		f.Fields, err = ParseMapping(l.Block, env)
		if err == nil && len(f.Fields) == 0 {
			err = l.Errf("%s is an object without fields: write %s", l.Name(), l.Usage)
		}
	default:
		f.Expr, err = l.Expression(1, len(l.Words), env)
	}
	return f, err
}

// noJSON is an error if a line is written as in JSON: "id": entity.id, .
func noJSON(l *directive.Line) error {
	key, rest := strings.TrimSuffix(l.Name(), ":"), l.Args()
	colon := key != l.Name()
	if len(rest) > 0 && rest[0].Text == ":" && !rest[0].Quoted() {
		colon, rest = true, rest[1:]
	}
	comma := false
	if n := len(rest); n > 0 && !rest[n-1].Quoted() {
		comma = strings.HasSuffix(rest[n-1].Text, ",")
	}
	if !colon && !comma || key == "" {
		return nil
	}
	value := strings.TrimSuffix(directive.Text(rest), ",")
	if l.Braces || value == "{" || value == "" {
		value = "{ … }"
	}
	return l.Errf("a line is a key and an expression, without the colon and the comma of JSON: write %s %s", key, value)
}

// ParsePayload reads
//
//	payload NAME EXPR
//	payload NAME {
//		KEY EXPR
//	}
//
// reserved are the names that it cannot have.
func ParsePayload(l *directive.Line, reserved []string) (string, rules.Payload, error) {
	var p rules.Payload
	if len(l.Words) < 2 || l.Words[1].Text == "" {
		return "", p, l.Errf("payload wants a name: write %s", l.Usage)
	}
	name := l.Words[1].Text
	if slices.Contains(reserved, name) {
		return "", p, l.Words[1].Errf("payload %q is a name of Sidehook's own: choose another", name)
	}
	var err error
	switch {
	case l.Braces && len(l.Words) > 2:
		return "", p, l.Words[2].Errf("payload %s has an expression and a block: write %s", name, l.Usage)
	case l.Braces:
		p.Fields, err = ParseMapping(l.Block, lang.EnvEvent)
		if err == nil && len(p.Fields) == 0 {
			err = l.Errf("payload %s has no fields: write %s", name, l.Usage)
		}
	default:
		p.Expr, err = l.Expression(2, len(l.Words), lang.EnvEvent)
	}
	return name, p, err
}

package caddymodule

import (
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
)

// parseMapping reads the lines of a payload or of attributes:
//
//	KEY EXPR
//	KEY {
//		…
//	}
//
// A key with a question mark behind it, like label?, is left out where there is
// nothing to say; in quotes it is a part of the key.
func parseMapping(lines []*optionLine, env lang.Environment) ([]rules.Field, error) {
	var fields []rules.Field
	for _, l := range lines {
		f, err := parseMappingLine(l, env)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(fields, func(other rules.Field) bool { return other.Key == f.Key }) {
			return nil, l.errf("%s stands twice in this object: write it once", f.Key)
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func parseMappingLine(l *optionLine, env lang.Environment) (rules.Field, error) {
	l.usage = l.name() + " EXPR, or " + l.name() + " { … } for an object"
	f := rules.Field{Key: l.name()}
	if !l.words[0].Quoted() {
		f.Key, f.Optional = strings.CutSuffix(f.Key, "?")
	}
	if f.Key == "" {
		return f, l.errf("the key is empty: write a name and an expression")
	}
	if err := noJSON(l); err != nil {
		return f, err
	}
	var err error
	switch {
	case l.braces && len(l.args()) > 0:
		return f, l.args()[0].errf("%s has an expression and a block: write %s", l.name(), l.usage)
	case l.braces:
		f.Fields, err = parseMapping(l.block, env)
		if err == nil && len(f.Fields) == 0 {
			err = l.errf("%s is an object without fields: write %s", l.name(), l.usage)
		}
	default:
		f.Expr, err = l.expression(1, len(l.words), env)
	}
	return f, err
}

// noJSON is an error if a line is written as in JSON: "id": entity.id, .
func noJSON(l *optionLine) error {
	key, rest := strings.TrimSuffix(l.name(), ":"), l.args()
	colon := key != l.name()
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
	value := strings.TrimSuffix(textOf(rest), ",")
	if l.braces || value == "{" || value == "" {
		value = "{ … }"
	}
	return l.errf("a line is a key and an expression, without the colon and the comma of JSON: write %s %s", key, value)
}

// parsePayload reads
//
//	payload NAME EXPR
//	payload NAME {
//		KEY EXPR
//	}
//
// reserved are the names that it cannot have.
func parsePayload(l *optionLine, reserved []string) (string, rules.Payload, error) {
	var p rules.Payload
	if len(l.words) < 2 || l.words[1].Text == "" {
		return "", p, l.errf("payload wants a name: write %s", l.usage)
	}
	name := l.words[1].Text
	if slices.Contains(reserved, name) {
		return "", p, l.words[1].errf("payload %q is a name of Sidehook's own: choose another", name)
	}
	var err error
	switch {
	case l.braces && len(l.words) > 2:
		return "", p, l.words[2].errf("payload %s has an expression and a block: write %s", name, l.usage)
	case l.braces:
		p.Fields, err = parseMapping(l.block, lang.EnvEvent)
		if err == nil && len(p.Fields) == 0 {
			err = l.errf("payload %s has no fields: write %s", name, l.usage)
		}
	default:
		p.Expr, err = l.expression(2, len(l.words), lang.EnvEvent)
	}
	return name, p, err
}

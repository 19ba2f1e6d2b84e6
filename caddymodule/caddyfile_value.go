package caddymodule

import (
	"math"
	"regexp"
	"strconv"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
)

// What one line, or one word, holds as a value.

// checked sets to to l's only argument, which check must accept.
func (l *optionLine) checked(to *string, check func(string) error) error {
	if err := l.one(to); err != nil {
		return err
	}
	return l.words[1].check(check)
}

// checkedList adds l's arguments, which check must accept, to to.
func (l *optionLine) checkedList(to *[]string, check func(string) error) error {
	for _, w := range l.args() {
		if err := w.check(check); err != nil {
			return err
		}
	}
	return l.list(to)
}

// check is an error at w if check has one for its text.
func (w word) check(check func(string) error) error {
	if err := check(w.Text); err != nil {
		return w.errf("%w", err)
	}
	return nil
}

// duration sets to to l's only argument.
func (l *optionLine) duration(to *rules.Duration) error {
	args, err := l.take(1, 1)
	if err != nil {
		return err
	}
	return args[0].duration(to)
}

// duration sets to to w, a duration above zero.
func (w word) duration(to *rules.Duration) error {
	d, err := rules.ParseDuration(w.Text)
	if err != nil {
		return w.errf("%w", err)
	}
	if d <= 0 {
		return w.errf("duration %q: it must be above zero", w.Text)
	}
	*to = d
	return nil
}

// number sets to to w, a whole number of at least least.
func (w word) number(what string, to *int, least int) error {
	n, err := strconv.Atoi(w.Text)
	if err != nil || n < least || n > math.MaxInt32 {
		return w.errf("%s %q: write a whole number from %d", what, w.Text, least)
	}
	*to = n
	return nil
}

// placeholderOrExpression returns the arguments of l, which are one placeholder
// of Caddy or an expression over the request.
func (l *optionLine) placeholderOrExpression() (string, error) {
	if err := l.noBlock(); err != nil {
		return "", err
	}
	if len(l.words) == 2 && isPlaceholder(l.words[1].Text) {
		return l.words[1].Text, nil
	}
	if len(l.words) == 2 && likeHeader.MatchString(l.words[1].Text) && !l.words[1].Quoted() {
		return "", l.words[1].errf("%s is the name of a header: write %s request.header[%q]", l.words[1].Text, l.name(), l.words[1].Text)
	}
	return l.expression(1, len(l.words), lang.EnvRequest)
}

// onePlaceholder matches text that is one Caddy placeholder.
var onePlaceholder = regexp.MustCompile(`^\{[^{}\s]+\}$`)

// likeHeader matches what can only be meant as the name of a header.
var likeHeader = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*(-[A-Za-z0-9]+)+$`)

// isPlaceholder reports whether text is one placeholder of Caddy.
func isPlaceholder(text string) bool { return onePlaceholder.MatchString(text) }

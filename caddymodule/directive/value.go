package directive

import (
	"math"
	"regexp"
	"strconv"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
)

// Checked sets to to l's only argument, which check must accept.
func (l *Line) Checked(to *string, check func(string) error) error {
	if err := l.One(to); err != nil {
		return err
	}
	return l.Words[1].Check(check)
}

// CheckedList adds l's arguments, which check must accept, to to.
func (l *Line) CheckedList(to *[]string, check func(string) error) error {
	for _, w := range l.Args() {
		if err := w.Check(check); err != nil {
			return err
		}
	}
	return l.List(to)
}

// Check is an error at w if check has one for its text.
func (w Word) Check(check func(string) error) error {
	if err := check(w.Text); err != nil {
		return w.Errf("%w", err)
	}
	return nil
}

// Duration sets to to l's only argument.
func (l *Line) Duration(to *rules.Duration) error {
	args, err := l.Take(1, 1)
	if err != nil {
		return err
	}
	return args[0].Duration(to)
}

// Duration sets to to w, a duration above zero.
func (w Word) Duration(to *rules.Duration) error {
	d, err := rules.ParseDuration(w.Text)
	if err != nil {
		return w.Errf("%w", err)
	}
	if d <= 0 {
		return w.Errf("duration %q: it must be above zero", w.Text)
	}
	*to = d
	return nil
}

// Number sets to to w, a whole number from 1.
func (w Word) Number(what string, to *int) error {
	n, err := strconv.Atoi(w.Text)
	if err != nil || n < 1 || n > math.MaxInt32 {
		return w.Errf("%s %q: write a whole number from 1", what, w.Text)
	}
	*to = n
	return nil
}

// PlaceholderOrExpression returns the arguments of l, which are one placeholder
// of Caddy or an expression over the request.
func (l *Line) PlaceholderOrExpression() (string, error) {
	if err := l.NoBlock(); err != nil {
		return "", err
	}
	if len(l.Words) == 2 && IsPlaceholder(l.Words[1].Text) {
		return l.Words[1].Text, nil
	}
	if len(l.Words) == 2 && likeHeader.MatchString(l.Words[1].Text) && !l.Words[1].Quoted() {
		return "", l.Words[1].Errf("%s is the name of a header: write %s request.header[%q]", l.Words[1].Text, l.Name(), l.Words[1].Text)
	}
	return l.Expression(1, len(l.Words), lang.EnvRequest)
}

// onePlaceholder matches text that is one Caddy placeholder.
var onePlaceholder = regexp.MustCompile(`^\{[^{}\s]+\}$`)

// likeHeader matches what can only be meant as the name of a header.
var likeHeader = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*(-[A-Za-z0-9]+)+$`)

// IsPlaceholder reports whether text is one placeholder of Caddy.
func IsPlaceholder(text string) bool { return onePlaceholder.MatchString(text) }

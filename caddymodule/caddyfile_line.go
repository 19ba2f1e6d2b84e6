package caddymodule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/sidehook/sidehook/caddymodule/words"
)

// optionLine is one line of a Caddyfile with the block that it opens. Options are
// parsed from lines, not from the dispenser, so that no option can read past
// its own line.
type optionLine struct {
	words  []word // at least one
	block  []*optionLine
	braces bool   // it opens a block, perhaps an empty one
	usage  string // an example of the option, for errors
}

// word is one token.
type word struct{ caddyfile.Token }

// maxNesting bounds how deep blocks may stand in blocks: what is read one level
// deep is read by one call.
const maxNesting = 32

// readLine reads the line whose first token is d's current one, with its block.
func readLine(d *caddyfile.Dispenser) (*optionLine, error) { return readNested(d, 0) }

func readNested(d *caddyfile.Dispenser, depth int) (*optionLine, error) {
	l := &optionLine{words: []word{{d.Token()}}}
	for d.NextArg() {
		l.words = append(l.words, word{d.Token()})
	}
	if d.NextLine() {
		d.Prev()
		return l, nil
	}
	if !d.Next() {
		return l, nil
	}
	l.braces = true // what NextArg refuses on the same line is an open brace
	if depth == maxNesting {
		return nil, d.Errf("more than %d blocks stand in each other here", maxNesting)
	}
	return l, l.readBlock(d, depth+1)
}

func (l *optionLine) readBlock(d *caddyfile.Dispenser, depth int) error {
	for d.NextLine() {
		if t := (word{d.Token()}); t.bare("}") {
			if d.NextArg() {
				return d.Errf("unexpected %q after }: begin a new line", d.Val())
			}
			return nil
		}
		inner, err := readNested(d, depth)
		if err != nil {
			return err
		}
		l.block = append(l.block, inner)
	}
	if d.Next() {
		return d.Errf("unexpected %q after {: begin a new line", d.Val())
	}
	return l.errf("the block of %s has no closing brace", l.name())
}

// name is the line's first word.
func (l *optionLine) name() string { return l.words[0].Text }

// args are the words after the first.
func (l *optionLine) args() []word { return l.words[1:] }

// errf is an error at the line's first word.
func (l *optionLine) errf(format string, args ...any) error { return l.words[0].errf(format, args...) }

// wrong says that the words of l are not what its option wants.
func (l *optionLine) wrong() error {
	return l.errf("%q: write %s", l.text(), l.usage)
}

// text is the line as it arrived, without its block.
func (l *optionLine) text() string { return joinRaw(l.words) }

// noBlock is an error if l opens a block.
func (l *optionLine) noBlock() error {
	if l.braces {
		return l.errf("%s takes no block: write %s", l.name(), l.usage)
	}
	return nil
}

// flag is an error unless l is its name alone.
func (l *optionLine) flag() error {
	if len(l.args()) > 0 {
		return l.args()[0].errf("unexpected %q after %s: write %s alone", l.args()[0].Text, l.name(), l.name())
	}
	return l.noBlock()
}

// take returns l's arguments, which must be between least and most (0: any
// number) and open no block.
func (l *optionLine) take(least, most int) ([]word, error) {
	args := l.args()
	if len(args) < least {
		return nil, l.errf("%s wants more: write %s", l.name(), l.usage)
	}
	if most > 0 && len(args) > most {
		return nil, args[most].errf("unexpected %q: write %s", args[most].Text, l.usage)
	}
	if i := slices.IndexFunc(args, func(w word) bool { return w.Text == "" }); i >= 0 {
		return nil, args[i].errf("%s has an empty value: write %s", l.name(), l.usage)
	}
	return args, l.noBlock()
}

// one sets to to l's only argument.
func (l *optionLine) one(to *string) error {
	args, err := l.take(1, 1)
	if err != nil {
		return err
	}
	*to = args[0].Text
	return nil
}

// oneOf sets to to l's only argument, which must be one of known.
func (l *optionLine) oneOf(to *string, known ...string) error {
	args, err := l.take(1, 1)
	if err != nil {
		return err
	}
	*to = args[0].Text
	return args[0].among(l.name(), known...)
}

// list adds l's arguments to to.
func (l *optionLine) list(to *[]string) error {
	args, err := l.take(1, 0)
	for _, w := range args {
		if slices.Contains(*to, w.Text) {
			return w.errf("%s has %q twice: write it once", l.name(), w.Text)
		}
		*to = append(*to, w.Text)
	}
	return err
}

// bare reports whether w is text as such, not in quotes.
func (w word) bare(text string) bool { return w.Text == text && !w.Quoted() }

// among is an error unless w is one of known.
func (w word) among(what string, known ...string) error {
	if slices.Contains(known, w.Text) {
		return nil
	}
	if near := words.Nearest(w.Text, known); near != "" {
		return w.errf("%s %q: did you mean %s?", what, w.Text, near)
	}
	return w.errf("%s %q: write %s", what, w.Text, words.OrList(known))
}

// raw is w with the quotes that it had.
func (w word) raw() string { return w.dispenser().ValRaw() }

// heredoc reports whether w was written as a heredoc.
func (w word) heredoc() bool { return w.Quoted() && len(w.raw()) == len(w.Text) }

// backticked reports whether w was written in backticks.
func (w word) backticked() bool { return w.Quoted() && !w.heredoc() && w.raw()[0] == '`' }

// errf is an error with the file and line of w.
func (w word) errf(format string, args ...any) error {
	return w.dispenser().WrapErr(fmt.Errorf(format, args...))
}

func (w word) dispenser() *caddyfile.Dispenser {
	d := caddyfile.NewDispenser([]caddyfile.Token{w.Token})
	d.Next()
	return d
}

// joinRaw returns words as one line.
func joinRaw(words []word) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = w.raw()
	}
	return strings.Join(all, " ")
}

// is reports whether the word at i is text, not in quotes.
func (l *optionLine) is(i int, text string) bool { return i < len(l.words) && l.words[i].bare(text) }

// textOf returns the texts of words, as one.
func textOf(words []word) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = w.Text
	}
	return strings.Join(all, " ")
}

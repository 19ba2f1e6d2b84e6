// Package directive reads the lines of Sidehook's directives in a Caddyfile: a
// line with its block (line.go), the words that may stand in a block and what is
// said of others (option.go), expressions, which Caddy's lexer has cut
// (expression.go), Caddy's placeholders (placeholder.go), and values (value.go).
// Each error names the file and the line, and says what to write instead. What the
// options mean is for whoever has the table of them.
package directive

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/sidehook/sidehook/caddymodule/words"
)

// Line is one line of a Caddyfile with the block that it opens. Options are
// parsed from lines, not from the dispenser, so that no option can read past
// its own line.
type Line struct {
	Words  []Word // at least one
	Block  []*Line
	Braces bool   // it opens a block, perhaps an empty one
	Usage  string // an example of the option, for errors
}

// Word is one token.
type Word struct{ caddyfile.Token }

// maxNesting bounds how deep blocks may stand in blocks: what is read one level
// deep is read by one call.
const maxNesting = 32

// Read reads the line whose first token is d's current one, with its block.
func Read(d *caddyfile.Dispenser) (*Line, error) { return readNested(d, 0) }

func readNested(d *caddyfile.Dispenser, depth int) (*Line, error) {
	l := &Line{Words: []Word{{d.Token()}}}
	for d.NextArg() {
		l.Words = append(l.Words, Word{d.Token()})
	}
	if d.NextLine() {
		d.Prev()
		return l, nil
	}
	if !d.Next() {
		return l, nil
	}
	l.Braces = true // what NextArg refuses on the same line is an open brace
	if depth == maxNesting {
		return nil, d.Errf("more than %d blocks stand in each other here", maxNesting)
	}
	return l, l.readBlock(d, depth+1)
}

func (l *Line) readBlock(d *caddyfile.Dispenser, depth int) error {
	for d.NextLine() {
		if t := (Word{d.Token()}); t.Bare("}") {
			if d.NextArg() {
				return d.Errf("unexpected %q after }: begin a new line", d.Val())
			}
			return nil
		}
		inner, err := readNested(d, depth)
		if err != nil {
			return err
		}
		l.Block = append(l.Block, inner)
	}
	if d.Next() {
		return d.Errf("unexpected %q after {: begin a new line", d.Val())
	}
	return l.Errf("the block of %s has no closing brace", l.Name())
}

// Place is the file and the line where l stands, as FILE:LINE.
func (l *Line) Place() string { return fmt.Sprintf("%s:%d", l.Words[0].File, l.Words[0].Line) }

// Name is the line's first word.
func (l *Line) Name() string { return l.Words[0].Text }

// Args are the words after the first.
func (l *Line) Args() []Word { return l.Words[1:] }

// Errf is an error at the line's first word.
func (l *Line) Errf(format string, args ...any) error { return l.Words[0].Errf(format, args...) }

// NoBlock is an error if l opens a block.
func (l *Line) NoBlock() error {
	if l.Braces {
		return l.Errf("%s takes no block: write %s", l.Name(), l.Usage)
	}
	return nil
}

// Flag is an error unless l is its name alone.
func (l *Line) Flag() error {
	if len(l.Args()) > 0 {
		return l.Args()[0].Errf("unexpected %q after %s: write %s alone", l.Args()[0].Text, l.Name(), l.Name())
	}
	return l.NoBlock()
}

// Take returns l's arguments, which must be between least and most (0: any
// number) and open no block.
func (l *Line) Take(least, most int) ([]Word, error) {
	args := l.Args()
	if len(args) < least {
		return nil, l.Errf("%s wants more: write %s", l.Name(), l.Usage)
	}
	if most > 0 && len(args) > most {
		return nil, args[most].Errf("unexpected %q: write %s", args[most].Text, l.Usage)
	}
	if i := slices.IndexFunc(args, func(w Word) bool { return w.Text == "" }); i >= 0 {
		return nil, args[i].Errf("%s has an empty value: write %s", l.Name(), l.Usage)
	}
	return args, l.NoBlock()
}

// One sets to to l's only argument.
func (l *Line) One(to *string) error {
	args, err := l.Take(1, 1)
	if err != nil {
		return err
	}
	*to = args[0].Text
	return nil
}

// OneOf sets to to l's only argument, which must be one of known.
func (l *Line) OneOf(to *string, known ...string) error {
	args, err := l.Take(1, 1)
	if err != nil {
		return err
	}
	*to = args[0].Text
	return args[0].Among(l.Name(), known...)
}

// List adds l's arguments to to.
func (l *Line) List(to *[]string) error {
	args, err := l.Take(1, 0)
	for _, w := range args {
		if slices.Contains(*to, w.Text) {
			return w.Errf("%s has %q twice: write it once", l.Name(), w.Text)
		}
		*to = append(*to, w.Text)
	}
	return err
}

// Bare reports whether w is text as such, not in quotes.
func (w Word) Bare(text string) bool { return w.Text == text && !w.Quoted() }

// Among is an error unless w is one of known.
func (w Word) Among(what string, known ...string) error {
	if slices.Contains(known, w.Text) {
		return nil
	}
	if near := words.Nearest(w.Text, known); near != "" {
		return w.Errf("%s %q: did you mean %s?", what, w.Text, near)
	}
	return w.Errf("%s %q: write %s", what, w.Text, words.OrList(known))
}

// Raw is w with the quotes that it had.
func (w Word) Raw() string { return w.dispenser().ValRaw() }

// heredoc reports whether w was written as a heredoc.
func (w Word) heredoc() bool { return w.Quoted() && len(w.Raw()) == len(w.Text) }

// backticked reports whether w was written in backticks.
func (w Word) backticked() bool { return w.Quoted() && !w.heredoc() && w.Raw()[0] == '`' }

// Errf is an error with the file and line of w.
func (w Word) Errf(format string, args ...any) error {
	return w.dispenser().WrapErr(fmt.Errorf(format, args...))
}

func (w Word) dispenser() *caddyfile.Dispenser {
	d := caddyfile.NewDispenser([]caddyfile.Token{w.Token})
	d.Next()
	return d
}

// joinRaw returns words as one line.
func joinRaw(words []Word) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = w.Raw()
	}
	return strings.Join(all, " ")
}

// Is reports whether the word at i is text, not in quotes.
func (l *Line) Is(i int, text string) bool { return i < len(l.Words) && l.Words[i].Bare(text) }

// Text returns the texts of words, with a space between each two.
func Text(words []Word) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = w.Text
	}
	return strings.Join(all, " ")
}

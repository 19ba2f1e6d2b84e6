package directive

import (
	"fmt"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
)

// Caddy's lexer cuts a line into words at white space and takes the quotes off
// a word that begins with one. What it does inside a word, it does not tell.
// So an expression is put together again from its words, and where that cannot
// be exact the error holds the line to write with backticks.

// Expression returns words[from:to] of l as one compiled expression. The words
// after to belong to the rest of the line.
func (l *Line) Expression(from, to int, env lang.Environment) (string, error) {
	text, err := l.restore(from, to)
	if err != nil {
		return "", err
	}
	if _, err := lang.Compile(text, env); err != nil {
		return "", l.Words[from].Errf("%w%s", err, l.exprHint(from, to))
	}
	return text, nil
}

// Condition is an expression that is true or false.
func (l *Line) Condition(from, to int, env lang.Environment) (string, error) {
	if to == from+1 && l.Words[from].Quoted() && !l.Words[from].backticked() && !l.Words[from].heredoc() {
		return "", l.Words[from].Errf("%s is a text, which is never true: write %s",
			l.Words[from].Raw(), l.backticked(from, to, l.Words[from].Text))
	}
	text, err := l.Expression(from, to, env)
	if err != nil {
		return "", err
	}
	x, err := lang.Compile(text, env)
	if err == nil {
		err = x.CheckCondition()
	}
	if err != nil {
		return "", l.Words[from].Errf("%w", err)
	}
	return text, nil
}

// exprHint says what else may be wrong with an expression that does not compile.
func (l *Line) exprHint(from, to int) string {
	for _, w := range l.Words[from+1 : to] {
		if w.Bare("each") || w.Bare("emit") || w.Bare("instead") || w.Bare("on") {
			return fmt.Sprintf("; %s stands before when, which is last in its line", w.Text)
		}
	}
	return ""
}

// restore returns words[from:to] of l as they were typed.
func (l *Line) restore(from, to int) (string, error) {
	if from >= to {
		return "", l.Words[min(from, len(l.Words))-1].Errf("an expression is missing after %s: write %s", l.Words[from-1].Text, l.Usage)
	}
	words := l.Words[from:to]
	if w := words[0]; w.backticked() || w.heredoc() {
		if len(words) > 1 {
			return "", words[1].Errf("backticks go around the whole expression: write %s",
				l.backticked(from, to, w.Text+" "+strings.ReplaceAll(joinRaw(words[1:]), "`", `"`)))
		}
		return alone(w)
	}
	text, damage, err := restoreWords(words)
	switch {
	case err != nil:
		return "", err
	case to == len(l.Words) && spaceless(words):
		brace := strings.TrimSuffix(joinRaw(l.Words), "{") + " {"
		return "", words[len(words)-1].Errf("a space is missing before the { that opens the block: write %s", brace)
	case damage == lineDamage:
		return "", words[0].Errf("%s: close it, or put the expression in backticks", damage)
	case damage != "":
		return "", words[0].Errf("%s: put the expression in backticks, like %s", damage, l.backticked(from, to, text))
	}
	return text, l.checkBrackets(from, to, text)
}

// spaceless reports whether the last of words ends in the brace of a block.
func spaceless(words []Word) bool {
	last := words[len(words)-1]
	text, opens := strings.CutSuffix(last.Text, "{")
	return opens && !last.Quoted() && scanWord(text) != spaceDamage && !strings.ContainsAny(text, "{}")
}

// restoreWords returns words as they were typed, and what may be damaged in
// them.
func restoreWords(words []Word) (text, damage string, err error) {
	var out strings.Builder
	for i, w := range words {
		part, found := restoreWord(w)
		if name := loaded.FindString(part); name != "" && !w.backticked() {
			return "", "", w.loadedInExpr(name)
		}
		if found == shorthandDamage {
			return "", "", w.placeholderInExpr()
		}
		if i > 0 && !(words[i-1].Quoted() && strings.ContainsRune(")],.", rune(part[0]))) {
			out.WriteByte(' ')
		}
		out.WriteString(part)
		if damage == "" {
			damage = found
		}
		if found == lineDamage {
			break // what follows is another line
		}
	}
	return out.String(), damage, nil
}

// checkBrackets is an error if the expression text has a bracket without a
// partner, as one has that a comment cuts off.
func (l *Line) checkBrackets(from, to int, text string) error {
	switch open := unclosed(text); open {
	case "":
		return nil
	case ")", "]":
		return l.Words[from].Errf("the expression has a %s too many: %s", open, text)
	default:
		return l.Words[from].Errf("the expression has a %s that nothing closes on its line; # begins a comment for Caddy, so if it holds one, put it in backticks, like %s",
			open, l.backticked(from, to, text+" …"))
	}
}

// alone returns the text of an expression that is one word in backticks.
func alone(w Word) (string, error) {
	text := strings.TrimSpace(w.Text)
	if text == "" {
		return "", w.Errf("the expression is empty")
	}
	if arrived.MatchString(text) {
		return "", w.placeholderInExpr()
	}
	if name := loaded.FindString(text); name != "" {
		return "", w.loadedInExpr(name)
	}
	return text, nil
}

// backticked returns l as it should be written: words[from:to] as text in
// backticks.
func (l *Line) backticked(from, to int, text string) string {
	out := joinRaw(l.Words[:from]) + " `" + text + "`"
	if to < len(l.Words) {
		out += " " + joinRaw(l.Words[to:])
	}
	if l.Braces {
		out += " {"
	}
	return out
}

// What the lexer, or `caddy fmt`, does not leave alone in an expression.
const (
	shorthandDamage = "placeholder"
	spaceDamage     = "a text with a space in it is cut by Caddy unless it begins its own word"
	lineDamage      = "a text is not closed on its line"
	escapeDamage    = `\" does not reach the expression`
	singleDamage    = "texts in single quotes are cut by Caddy"
	hashDamage      = "# begins a comment for Caddy"
	braceDamage     = "braces mean blocks and placeholders to Caddy"
)

// restoreWord returns w as it was typed, and what may be damaged in it.
func restoreWord(w Word) (text, damage string) {
	switch {
	case w.backticked():
		return w.Raw(), ""
	case w.heredoc():
		return "`" + w.Text + "`", ""
	case w.Quoted():
		text = `"` + strings.ReplaceAll(w.Text, `"`, `\"`) + `"`
		switch {
		case strings.Contains(w.Text, "\n"):
			return strings.TrimSuffix(text[:strings.IndexByte(text, '\n')], "\r"), lineDamage
		case strings.Contains(w.Text, `"`):
			return text, escapeDamage
		}
		return text, ""
	}
	if arrived.MatchString(w.Text) {
		return w.Text, shorthandDamage
	}
	return w.Text, scanWord(w.Text)
}

// scanWord says what may be damaged in a word that does not begin with a quote.
func scanWord(text string) string {
	if text == "" {
		return "an empty word cannot stand in an expression"
	}
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			i++
			if text[i] == '"' {
				return escapeDamage
			}
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '`':
			quote = c
		case c == '\'':
			return singleDamage
		case c == '#':
			return hashDamage
		case c == '{' || c == '}':
			return braceDamage
		}
	}
	if quote != 0 {
		return spaceDamage
	}
	return ""
}

// unclosed returns the first bracket of an expression that has no partner.
func unclosed(text string) string {
	var open []byte
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0:
			if c == '\\' && quote != '`' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '`':
			quote = c
		case c == '(' || c == '[':
			open = append(open, c)
		case c == ')' || c == ']':
			if len(open) == 0 || open[len(open)-1] != map[byte]byte{')': '(', ']': '['}[c] {
				return string(c)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return string(open[len(open)-1])
	}
	return ""
}

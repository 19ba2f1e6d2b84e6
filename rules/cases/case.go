// Package cases reads and runs cases: txtar files that say what a
// configuration makes of a few exchanges. The files in rules/testdata are
// such cases, and so is what `sidehook test FILE` takes.
//
// The comment is a sentence that says what the case shows. Then come:
//
//   - config.json: the configuration as JSON ([rules.Config]); or rules: the
//     same as a Caddyfile, which the caller turns into a Program.
//   - before (optional): the entity of the first exchange as Sidehook knows it:
//     JSON, or options, an empty line, and JSON.
//   - exchange: a request. Request line, header fields, an empty line, a body.
//   - answer: its response. A status, header fields, an empty line, a body. It
//     may also stand in the exchange, behind a line ---.
//   - get before, get after (optional): what a GET of the entity answered
//     before and after the call, as an answer. Several get after are of several
//     entities, in the order of their GETs.
//   - refresh (optional, one for each): what a GET of an entity that the exchange
//     refreshes answered, as an answer.
//   - more exchanges, in order.
//   - events: what comes of it, one line for each.
//   - snapshots (optional): what is known of the entities in the end.
//   - why (optional): how it came about, as `sidehook explain` tells it.
//
// Options are lines that begin with a colon, beside header fields:
//
//	:later 20m               time since the exchange (or snapshot) before
//	:took 200ms              how long a GET was under way
//	:service                 a GET was made as the service
//	:earlier 10s             the call began so long before it would have
//	:overlapped              other calls on the entity were open meanwhile
//	:caller NAME             whose credential the call carried
//	:placeholder NAME VALUE  of a Caddy placeholder
//	:gzip                    send the body gzipped
//	:missing too_large       the body was not kept (too_large, cut_off, streamed)
//	:deleted, :sequence 4    of the state before
//	:stale                   something was done since the state before was seen
//
// An answer's status may be unknown, for a call whose outcome nobody saw, or
// have "truncated" behind it.
package cases

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Case is a parsed file.
type Case struct {
	Comment   string
	Rules     []byte // the Caddyfile section, nil if there is none
	Config    []byte // the config.json section, nil if there is none
	Events    string // as the file has them
	Snapshots string // as the file has them, if it has them
	Why       string // as the file has it, if it has it

	archive   *txtar.Archive
	before    *part
	exchanges []*exchange
	snapshots bool
	why       bool
}

// exchange is one call of a case.
type exchange struct {
	request, answer, getBefore *part
	getsAfter, refreshes       []*part
}

// part is a section with a first line, fields and a body.
type part struct {
	first   string
	header  webhook.Header
	options map[string][]string
	body    string
}

// Parse reads a case.
func Parse(data []byte) (*Case, error) {
	c := &Case{archive: txtar.Parse(data)}
	c.Comment = strings.TrimSpace(string(c.archive.Comment))
	for _, f := range c.archive.Files {
		if err := c.section(f.Name, f.Data); err != nil {
			return nil, fmt.Errorf("section %q: %w", f.Name, err)
		}
	}
	if len(c.exchanges) == 0 {
		return nil, fmt.Errorf("the case has no exchange: add a section -- exchange -- with a request")
	}
	for i, x := range c.exchanges {
		if x.answer == nil {
			return nil, fmt.Errorf("exchange %d has no answer: add a section -- answer -- that begins with a status", i+1)
		}
	}
	return c, nil
}

func (c *Case) section(name string, data []byte) (err error) {
	name = strings.TrimRight(name, " 0123456789")
	switch name {
	case "rules":
		c.Rules = data
		return nil
	case "config.json":
		c.Config = data
		return nil
	case "events":
		c.Events = string(data)
		return nil
	case "snapshots":
		c.Snapshots, c.snapshots = string(data), true
		return nil
	case "why":
		c.Why, c.why = string(data), true
		return nil
	case "before":
		c.before, err = parsePart(string(data), false)
		return err
	case "exchange":
		request, answer, both := strings.Cut(string(data), "\n---\n")
		x := &exchange{}
		c.exchanges = append(c.exchanges, x)
		if x.request, err = parsePart(request, true); err != nil || !both {
			return err
		}
		x.answer, err = parsePart(answer, true)
		return err
	}
	if len(c.exchanges) == 0 {
		return fmt.Errorf("not one that a case has here: write config.json or rules, before, exchange, answer, get before, get after, refresh, events, snapshots, why")
	}
	x := c.exchanges[len(c.exchanges)-1]
	got, err := parsePart(string(data), true)
	switch name {
	case "answer":
		x.answer = got
	case "get before":
		x.getBefore = got
	case "get after":
		x.getsAfter = append(x.getsAfter, got)
	case "refresh":
		x.refreshes = append(x.refreshes, got)
	default:
		return fmt.Errorf("not one that a case has: write answer, get before, get after, refresh, exchange, events, snapshots or why")
	}
	return err
}

func parsePart(text string, first bool) (*part, error) {
	p := &part{header: webhook.Header{}, options: map[string][]string{}}
	if first {
		p.first, text, _ = strings.Cut(strings.TrimLeft(text, "\n"), "\n")
		p.first = strings.TrimSpace(p.first)
	}
	for text != "" && (first || text[0] == ':' || text[0] == '\n') {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		if line == "" {
			break
		}
		if option, ok := strings.CutPrefix(line, ":"); ok {
			name, value, _ := strings.Cut(option, " ")
			p.options[name] = append(p.options[name], strings.TrimSpace(value))
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("line %q is no header field: write Name: value, or an empty line before the body", line)
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		p.header[name] = append(p.header[name], strings.TrimSpace(value))
	}
	p.body = strings.TrimSuffix(text, "\n")
	if t := strings.TrimSpace(p.body); t != "" && (t[0] == '{' || t[0] == '[') && p.header.Get("Content-Type") == "" {
		p.header["Content-Type"] = []string{"application/json"}
	}
	return p, nil
}

func (p *part) has(option string) bool { return p != nil && len(p.options[option]) > 0 }

func (p *part) option(name string) string {
	if !p.has(name) {
		return ""
	}
	return p.options[name][0]
}

// duration returns an option that is a duration; 0 if it is not there.
func (p *part) duration(option string) (time.Duration, error) {
	if !p.has(option) {
		return 0, nil
	}
	d, err := rules.ParseDuration(p.option(option))
	return time.Duration(d), err
}

var missing = map[string]webhook.Missing{
	"too_large": webhook.TooLarge, "cut_off": webhook.CutOff, "streamed": webhook.Streamed,
	"unparsable": webhook.Unparsable, "no_budget": webhook.NoBudget,
}

func (p *part) captured() (webhook.Body, error) {
	if p.has("missing") {
		m, ok := missing[p.option("missing")]
		if !ok {
			return webhook.Body{}, fmt.Errorf("option :missing %s is not known: write too_large, cut_off or streamed", p.option("missing"))
		}
		return webhook.Body{Missing: m}, nil
	}
	if !p.has("gzip") {
		return webhook.Body{Bytes: []byte(p.body)}, nil
	}
	p.header["Content-Encoding"] = []string{"gzip"}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(p.body)); err != nil {
		return webhook.Body{}, err
	}
	err := w.Close()
	return webhook.Body{Bytes: b.Bytes()}, err
}

// status reads "200", "200 truncated", "HTTP/1.1 200 OK" or "unknown".
func (p *part) status() (int, webhook.Ending, error) {
	words := strings.Fields(p.first)
	if len(words) > 1 && strings.HasPrefix(words[0], "HTTP/") {
		words = words[1:]
	}
	if len(words) == 0 {
		return 0, 0, fmt.Errorf("an answer begins with its status, like 200")
	}
	if words[0] == "unknown" {
		return 0, webhook.Unknown, nil
	}
	n, err := strconv.Atoi(words[0])
	if err != nil {
		return 0, 0, fmt.Errorf("an answer begins with its status, like 200; got %q", p.first)
	}
	if len(words) > 1 && words[1] == "truncated" {
		return n, webhook.Truncated, nil
	}
	return n, webhook.Completed, nil
}

package deliver

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Names of the headers that every attempt has.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
	headerAttempt   = "Webhook-Attempt"
	headerTrace     = "Traceparent"
	headerAgent     = "User-Agent"
	headerType      = "Content-Type"
)

// reserved are the headers that a subscription cannot set: ours, and those that
// frame the request. All of webhook-… are ours too.
var reserved = []string{
	headerTrace, "Host", "Content-Length", "Transfer-Encoding", "Content-Encoding", "Connection",
	"Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Te", "Trailer", "Upgrade", "Expect", "Accept-Encoding",
}

// mostHeader bounds the value of a header whose template has names, in bytes: no
// receiver takes more, and what a name stands for may be large.
const mostHeader = 16 << 10

// headerLine is one header of a subscription, compiled.
type headerLine struct {
	name     string // canonical
	template webhook.Template
	fixed    []string // the value, if it has no names
	secret   bool     // not to be shown
}

func compileHeaders(headers []webhook.HeaderTemplate) ([]headerLine, error) {
	var lines []headerLine
	for _, h := range headers {
		line, err := compileHeader(h)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(lines, func(l headerLine) bool { return l.name == line.name }) {
			return nil, fmt.Errorf("header %s is set twice; write it once", line.name)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func compileHeader(h webhook.HeaderTemplate) (line headerLine, err error) {
	line.name = http.CanonicalHeaderKey(h.Name)
	if err := checkHeaderName(line.name); err != nil {
		return line, err
	}
	if line.template, err = webhook.ParseTemplate(h.Value); err != nil {
		return line, fmt.Errorf("header %s: %w", line.name, err)
	}
	names := line.template.Names()
	if len(names) == 0 {
		value, _ := line.template.Execute(math.MaxInt, nil)
		if err := checkHeaderValue(value); err != nil {
			return line, fmt.Errorf("header %s: %w", line.name, err)
		}
		line.fixed = []string{value}
	}
	line.secret = h.Secret || SecretHeader(line.name) || slices.Contains(names, "subscription.secret")
	return line, nil
}

// checkHeaderName refuses what is no header name, and the reserved ones.
func checkHeaderName(name string) error {
	if name == "" || strings.IndexFunc(name, notToken) >= 0 {
		return fmt.Errorf("header %q: a name is letters, digits and -, like X-Topic", name)
	}
	if slices.Contains(reserved, name) || strings.HasPrefix(name, "Webhook-") {
		return fmt.Errorf("header %s is set by Sidehook and cannot be replaced; use another name, like X-%[1]s", name)
	}
	return nil
}

// notToken reports whether r cannot stand in a header name (RFC 9110, 5.6.2).
func notToken(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
}

var errControl = errors.New("the value has a line break or another control character, which no header can carry")

// checkHeaderValue refuses line breaks and other control characters: they would
// let a value add headers of its own.
func checkHeaderValue(v string) error {
	for i := range len(v) {
		if v[i] < ' ' && v[i] != '\t' || v[i] == 0x7f {
			return errControl
		}
	}
	return nil
}

// SecretHeader reports whether a header of this name usually carries a secret.
func SecretHeader(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "cookie", "token", "secret", "password", "key", "credential"},
		func(part string) bool { return strings.Contains(name, part) })
}

// masks returns the names of the headers that records do not show.
func masks(lines []headerLine, sign webhook.Signing) []string {
	var names []string
	for _, l := range lines {
		if l.secret {
			names = append(names, l.name)
		}
	}
	if t, err := webhook.ParseTemplate(sign.As); err == nil && slices.Contains(t.Names(), "subscription.secret") {
		names = append(names, http.CanonicalHeaderKey(sign.Header))
	}
	return names
}

// header returns all headers of one attempt. An error is our fault: a template
// that cannot be filled in, or a value that cannot be sent.
func (p *plan) header(payload *webhook.Payload, number int, at time.Time) (http.Header, error) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	// One array for all: the last is for a signature.
	values := &[6]string{payload.ID, stamp, strconv.Itoa(number), payload.ContentType, payload.Trace}
	for _, v := range values[:4] {
		if err := checkHeaderValue(v); err != nil {
			return nil, fmt.Errorf("the payload's id or content type: %w", err)
		}
	}
	h := make(http.Header, p.fixed)
	h[headerID] = values[0:1:1]
	h[headerTimestamp] = values[1:2:2]
	h[headerAttempt] = values[2:3:3]
	h[headerAgent] = p.userAgent
	if payload.ContentType != "" {
		h[headerType] = values[3:4:4]
	}
	// The trace came with a client's call: one that cannot be sent is no reason
	// to fail the delivery.
	if payload.Trace != "" && checkHeaderValue(payload.Trace) == nil {
		h[headerTrace] = values[4:5:5]
	}
	for _, own := range payload.Headers {
		if err := checkHeaderValue(own.Value); err != nil {
			return nil, fmt.Errorf("header %s: %w", own.Name, err)
		}
		h[own.Name] = []string{own.Value}
	}
	for i := range p.headers {
		value, err := p.headers[i].value(payload, stamp)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", p.headers[i].name, err)
		}
		h[p.headers[i].name] = value
	}
	return h, p.signer.sign(h, payload, stamp, values[5:6:6])
}

func (l *headerLine) value(payload *webhook.Payload, stamp string) ([]string, error) {
	if l.fixed != nil {
		return l.fixed, nil
	}
	v, err := l.template.Execute(mostHeader, func(name string) (string, error) {
		switch name {
		case "webhook_id":
			return payload.ID, nil
		case "timestamp":
			return stamp, nil
		}
		return resolver(payload)(name)
	})
	if err != nil {
		return nil, err
	}
	if err := checkHeaderValue(v); err != nil {
		return nil, err
	}
	return []string{v}, nil
}

// resolver returns the payload's Resolve, which may be nil.
func resolver(p *webhook.Payload) func(string) (string, error) {
	if p.Resolve != nil {
		return p.Resolve
	}
	return func(string) (string, error) { return "", errors.New("there is no such name here") }
}

const masked = "[secret]"

// shownHeaders returns h as records show it.
func (p *plan) shownHeaders(h http.Header) webhook.Header {
	if len(p.masks) == 0 {
		return webhook.Header(h)
	}
	shown := make(webhook.Header, len(h))
	maps.Copy(shown, h)
	for _, name := range p.masks {
		shown[name] = []string{masked}
	}
	return shown
}

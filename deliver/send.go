package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// maxDrain is how much of an answer is read so that its connection can be used
// again; beyond it the connection is closed.
const maxDrain = 64 << 10

// errCut is the cause of an attempt's context when the shutdown budget is spent.
var errCut = errors.New("cut off by the shutdown")

// made is what came of a delivery's turn.
type made struct {
	*webhook.Attempt                 // nil: it was cut off, and does not count
	as               *plan           // what the plan is for the resource that the delivery is about
	sights           []webhook.Sight // to be kept
}

// attempt makes one request for dl and returns what came of it.
func (d *Deliverer) attempt(ctx context.Context, p *plan, dl *webhook.Delivery) (m made) {
	a := &webhook.Attempt{
		Delivery: dl.ID,
		Number:   max(dl.Requests, dl.Attempts) + 1,
		Started:  time.Now(),
		URL:      p.shown,
	}
	defer func() {
		if r := recover(); r != nil {
			m = made{Attempt: broken(a, fmt.Errorf("panic: %v", r)), as: p}
		}
	}()
	payload, err := d.render(ctx, p, dl, a)
	if err != nil {
		return made{Attempt: p.unready(err, a), as: p}
	}
	p = p.as(payload.Resource)
	m = made{as: p, sights: payload.Sights}
	if w := payload.Withheld; w != nil {
		if m.Attempt = withheld(a, w); context.Cause(ctx) == errCut {
			m.Attempt = nil // the API was not asked to the end
		}
		return m
	}
	ctx, cancel := context.WithDeadlineCause(ctx, a.Started.Add(p.timeout), errTimeout)
	defer cancel()
	if payload.ID == "" {
		payload.ID = string(dl.Event)
	}
	m.Attempt = p.send(ctx, &payload, a)
	return m
}

// lookTime is what a Renderer may take beside the timeout where it asks the API,
// and lookMore for each further event.
const (
	lookTime = 10 * time.Second
	lookMore = time.Second
)

// render returns the payload for dl. Where the API was asked for it, the attempt
// begins after that.
func (d *Deliverer) render(ctx context.Context, p *plan, dl *webhook.Delivery, a *webhook.Attempt) (webhook.Payload, error) {
	most := p.longest
	if p.looks {
		most += lookTime + time.Duration(len(dl.Events())-1)*lookMore
	}
	ctx, cancel := context.WithTimeoutCause(ctx, most, errTimeout)
	defer cancel()
	payload, err := d.opts.Renderer.Render(ctx, dl, p.sub)
	if err != nil {
		return payload, &notRendered{err, context.Cause(ctx)}
	}
	if payload.Withheld != nil || payload.Sights != nil {
		a.Started = time.Now()
	}
	return payload, nil
}

// notRendered is the error of a [Renderer], and why its context has ended.
type notRendered struct{ err, cause error }

func (n *notRendered) Error() string { return "payload: " + n.err.Error() }
func (n *notRendered) Unwrap() error { return n.err }

// withheld says that nothing was sent, and why.
func withheld(a *webhook.Attempt, w *webhook.Withheld) *webhook.Attempt {
	a.Latency = time.Since(a.Started)
	a.Outcome, a.Error, a.RetryAt = w.Outcome, w.Why, w.Until
	return a
}

// unready says what comes of an attempt whose payload could not be rendered.
func (p *plan) unready(err error, a *webhook.Attempt) *webhook.Attempt {
	var cause error
	if n, ok := errors.AsType[*notRendered](err); ok {
		cause = n.cause
	}
	switch {
	case cause == errCut:
		return nil
	case cause == errTimeout: // the store may have stalled
		return failed(a, fmt.Sprintf("the payload was not ready within %s", p.longest))
	case errors.Is(err, ErrNotNow):
		return failed(a, err.Error())
	}
	return broken(a, err)
}

// send makes the request of an attempt and judges the answer; nil if ctx ended
// with errCut before.
func (p *plan) send(ctx context.Context, payload *webhook.Payload, a *webhook.Attempt) *webhook.Attempt {
	req, err := p.signed(ctx, payload, a)
	if err != nil {
		return broken(a, err)
	}
	resp, err := p.transport.RoundTrip(req)
	if err != nil {
		if context.Cause(ctx) == errCut {
			return nil
		}
		a.TimedOut = isTimeout(err) || context.Cause(ctx) == errTimeout
		return failed(a, words(err, p.request.URL.Host, p.timeout))
	}
	defer resp.Body.Close()
	p.read(a, resp)
	return a
}

// broken says that we could not make the request: our fault.
func broken(a *webhook.Attempt, err error) *webhook.Attempt {
	a.Latency = time.Since(a.Started)
	a.Outcome, a.Error = webhook.Broken, err.Error()
	return a
}

// failed says that there was no answer, and why.
func failed(a *webhook.Attempt, why string) *webhook.Attempt {
	a.Latency = time.Since(a.Started)
	a.Outcome, _ = judge(0, nil, a.Started)
	a.Error = why
	return a
}

// signed makes the signed request for payload.
func (p *plan) signed(ctx context.Context, payload *webhook.Payload, a *webhook.Attempt) (*http.Request, error) {
	h, err := p.header(payload, a.Number, a.Started)
	if err != nil {
		return nil, err
	}
	a.Sent = p.shownHeaders(h)
	req := p.request.WithContext(ctx)
	req.Header = h
	req.ContentLength = int64(len(payload.Body))
	body := payload.Body
	// With GetBody, the transport itself takes another connection if the one it
	// took turns out to be closed and nothing was written to it.
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	if req.Body, err = req.GetBody(); len(body) == 0 {
		req.Body, req.GetBody = http.NoBody, nil
	}
	return req, err
}

// read keeps what an attempt keeps of resp, and judges it.
func (p *plan) read(a *webhook.Attempt, resp *http.Response) {
	var err error
	a.Status = resp.StatusCode
	a.Received = p.shownAnswer(resp.Header)
	if resp.Body != http.NoBody {
		a.Answer, a.CutShort, err = readAnswer(resp.Body)
	}
	now := time.Now()
	a.Latency = now.Sub(a.Started)
	outcome, wait := judge(resp.StatusCode, resp.Header, now)
	a.Outcome = outcome
	if outcome == webhook.Throttled {
		a.RetryAt = now.Add(wait)
	}
	switch location := resp.Header.Get("Location"); {
	case err != nil && isTimeout(err):
		a.Error = fmt.Sprintf("answered %d, but the answer did not end within %s", a.Status, p.timeout)
	case err != nil:
		a.Error = fmt.Sprintf("answered %d, but the answer broke off: %s", a.Status, plain(err))
	case a.Status >= 300 && a.Status < 400 && location != "":
		a.Error = fmt.Sprintf("answered %d, a redirect to %.200q: redirects are not followed; change the subscription's URL", a.Status, p.elsewhere(location))
	}
}

// shownAnswer returns the headers of an answer as records show them.
func (p *plan) shownAnswer(h http.Header) webhook.Header {
	if len(h["Set-Cookie"]) == 0 && len(h["Location"]) == 0 {
		return webhook.Header(h)
	}
	shown := h.Clone()
	if len(h["Set-Cookie"]) > 0 {
		shown["Set-Cookie"] = []string{masked}
	}
	if to := h.Get("Location"); to != "" {
		shown["Location"] = []string{p.elsewhere(to)}
	}
	return webhook.Header(shown)
}

// elsewhere returns scheme and host of where a redirect leads: what follows often
// is what follows in our URL, which records do not show.
func (p *plan) elsewhere(location string) string {
	u, err := p.request.URL.Parse(location)
	if err != nil {
		return masked
	}
	return webhook.OriginOf(u.String())
}

// answerBuffers are for reading answers, which are short as a rule.
var answerBuffers = sync.Pool{New: func() any { return new([webhook.MaxAnswer]byte) }}

// readAnswer reads what is kept of an answer, and a bounded rest.
func readAnswer(body io.Reader) (answer []byte, cutShort bool, err error) {
	buf := answerBuffers.Get().(*[webhook.MaxAnswer]byte)
	defer answerBuffers.Put(buf)
	n, err := readUpTo(body, buf[:])
	if n > 0 {
		answer = bytes.Clone(buf[:n])
	}
	if err == nil {
		var more int64
		more, err = io.CopyN(io.Discard, body, maxDrain-webhook.MaxAnswer)
		cutShort = more > 0
	}
	if err == io.EOF {
		err = nil
	}
	return answer, cutShort, err
}

// readUpTo fills buf, or returns with what ended r. Unlike [io.ReadFull] it
// keeps apart an end and a breaking off.
func readUpTo(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

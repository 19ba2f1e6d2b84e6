package capture

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/sidehook/sidehook/webhook"
)

// ending says how the call ended, from what the chain behind us wrote and
// returned. returned is false if it panicked, which is how reverse_proxy
// breaks off.
func (c *call) ending(err error, returned bool) webhook.Ending {
	t := &c.tee
	switch {
	case t.hijacked, t.status == 0 && !returned:
		return webhook.Unknown
	case t.status == 0 && err != nil:
		return c.endingOfError(err)
	case t.status == 0:
		return c.endingOfSilence()
	case !c.match.MaySucceed(t.status):
		if c.apiSaidYes() {
			return webhook.Unknown // it was replaced by a no
		}
		return endingOfStatus(t.status)
	case c.apiSaidNo():
		return endingOfStatus(c.apiStatus())
	case t.passing:
		return webhook.Completed
	case !returned, !t.whole(), t.gone != nil && t.seen.missing != webhook.NotMissing:
		return webhook.Truncated
	}
	return webhook.Completed
}

// endingOfSilence is the ending of a call that nobody answered: the server
// sends an empty 200 for it. If the chain ran out nothing was done; a handler
// that did its work without a word did it.
func (c *call) endingOfSilence() webhook.Ending {
	if c.apiSaidNo() {
		return endingOfStatus(c.apiStatus())
	}
	if unhandled, _ := caddyhttp.GetVar(c.r.Context(), "unhandled").(bool); unhandled {
		return webhook.Rejected
	}
	c.tee.status = http.StatusOK
	return webhook.Completed
}

// endingOfStatus is the ending of a call whose final status is no success.
func endingOfStatus(status int) webhook.Ending {
	switch status {
	case http.StatusSwitchingProtocols, 499, http.StatusBadGateway, http.StatusGatewayTimeout, 520, 524:
		return webhook.Unknown
	}
	return webhook.Rejected
}

// endingOfError is the ending of a call that failed before a status was
// written. It is unknown unless it is certain that the API was never asked, or
// said no itself.
func (c *call) endingOfError(err error) webhook.Ending {
	if _, dial := errors.AsType[reverseproxy.DialError](err); dial {
		if c.neverSent() {
			return webhook.Rejected
		}
		return webhook.Unknown
	}
	he, ok := errors.AsType[caddyhttp.HandlerError](err)
	if !ok || c.apiSaidYes() {
		return webhook.Unknown
	}
	switch s := he.StatusCode; {
	case s == 499 || s == http.StatusRequestTimeout:
		return webhook.Unknown
	case s >= 400 && s < 500 || s == http.StatusServiceUnavailable:
		return webhook.Rejected
	}
	return webhook.Unknown
}

// neverSent reports, of a call whose last attempt could not reach an upstream,
// whether no earlier attempt did: there was none, or there was a body and none
// of it was read. Go's transport may also have sent a bodyless call with an
// idempotency key over a connection that turned out to be dead.
func (c *call) neverSent() bool {
	if c.body != nil && c.body.untouched() {
		return true
	}
	retries, _ := c.replaced("http.reverse_proxy.retries").(int)
	h := c.r.Header
	replayable := c.body == nil && (len(h["Idempotency-Key"]) > 0 || len(h["X-Idempotency-Key"]) > 0)
	return retries == 0 && !replayable
}

// apiSaidYes reports whether an upstream answered with success, whatever a
// handler in front of it made of that.
func (c *call) apiSaidYes() bool {
	status := c.apiStatus()
	return status != 0 && c.match.MaySucceed(status)
}

// apiSaidNo reports whether an upstream answered otherwise.
func (c *call) apiSaidNo() bool {
	status := c.apiStatus()
	return status != 0 && !c.match.MaySucceed(status)
}

// apiStatus returns the status of the last answer of an upstream behind us; 0 if
// there was none, or nobody tells. handle_response, replace_status and intercept
// may make another one of it.
func (c *call) apiStatus() int {
	if latency := c.replaced(upstreamLatency); latency != nil && latency != c.latency {
		status, _ := c.replaced("http.reverse_proxy.status_code").(int)
		return status
	}
	status, _ := c.replaced("http.intercept.status_code").(int)
	return status
}

// upstreamLatency is the placeholder that each answer of an upstream changes: also
// that of one in front of us (forward_auth), which is not the API.
const upstreamLatency = "http.reverse_proxy.upstream.latency"

// replaced returns the value of a placeholder, or nil.
func (c *call) replaced(name string) any {
	repl, ok := c.r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return nil
	}
	v, _ := repl.Get(name)
	return v
}

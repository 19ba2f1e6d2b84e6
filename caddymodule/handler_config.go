package caddymodule

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"golang.org/x/net/http/httpguts"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/caddymodule/look"
	"github.com/sidehook/sidehook/caddymodule/strict"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/rules"
)

func init() {
	caddy.RegisterModule(new(Handler))
	httpcaddyfile.RegisterHandlerDirective("sidehook", parseHandlerDirective)
	httpcaddyfile.RegisterDirectiveOrder("sidehook", httpcaddyfile.After, "templates")
}

// Handler watches the calls to an API that pass through it, works out what each
// of them changed, and records that as events, which the app sidehook delivers
// to subscriptions. What the client gets is what the API sent.
//
//	sidehook {
//		resource project /api/projects
//	}
//	reverse_proxy localhost:3000
type Handler struct {
	rules.Config

	// Origin is where the API answers the GETs that cannot be made as the caller,
	// whose credentials are good for one request only (DPoP, SigV4, HTTP message
	// signatures): http://localhost:3000. Such a GET asks for the path that the
	// route names, below this one. Default: none, and then no such GET is made.
	Origin string `json:"origin,omitempty"`

	// Credential is sent with the GETs to Origin.
	Credential *subscription.Credential `json:"credential,omitempty"`

	// Fetch bounds the GETs that learn the state before and after a call.
	Fetch *FetchLimits `json:"fetch,omitempty"`

	// MaxBody is how much of a request's, and of a response's, body is kept, in
	// bytes, at most 8 MiB: a call with both its bodies is one journal entry, and
	// that takes at most 16 MiB. Longer ones pass through, and the state after the
	// call is fetched. Default: 1 MiB.
	MaxBody int64 `json:"max_body,omitempty"`

	// OnClientAbort says what becomes of a captured call whose client hangs up:
	// continue lets the API finish it, cancel ends it, and then whether it was
	// done may not be known. Default: continue.
	OnClientAbort string `json:"on_client_abort,omitempty"`

	// Strict answers a captured call with 503, before it is forwarded, while the
	// journal cannot write. Default: the call goes through, and a gap says so.
	Strict bool `json:"strict,omitempty"`

	// Sources says where credential stands in the file from which this configuration
	// was adapted, for errors. The Caddyfile's adapter writes it.
	Sources Sources `json:"sources,omitempty"`

	live  *capture.Handler
	looks *look.Origin // nil: there is no origin
}

// FetchLimits bounds the GETs of one handler.
type FetchLimits struct {
	// Timeout is how long a call waits at most for them in all. Default: 300ms.
	Timeout rules.Duration `json:"timeout,omitempty"`

	// Concurrency is how many may be under way at once. Default: 16.
	Concurrency int `json:"concurrency,omitempty"`
}

// What OnClientAbort takes.
const (
	abortContinue = "continue"
	abortCancel   = "cancel"
)

// whyMostBody is why there is [capture.MostBody].
const whyMostBody = "a call with both its bodies is one journal entry, of at most 16MiB"

// CaddyModule implements [caddy.Module].
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.sidehook",
		New: func() caddy.Module { return new(Handler) },
	}
}

// check holds what is not the business of rules.
func (h *Handler) check() error {
	if h.Origin != "" {
		if err := checkOrigin(h.Origin); err != nil {
			return err
		}
	}
	if c := h.Credential; c != nil && !httpguts.ValidHeaderFieldName(c.Header) {
		return fmt.Errorf("credential.header %q is no header name: write one like Authorization", c.Header)
	}
	if f := h.Fetch; f != nil && (f.Timeout < 0 || f.Concurrency < 0) {
		return errors.New("fetch: write a timeout like 300ms and how many at once, like 16")
	}
	if h.MaxBody < 0 || h.MaxBody > capture.MostBody {
		return fmt.Errorf("max_body %d: write a number of bytes up to %d (8 MiB), like 1048576; %s", h.MaxBody, capture.MostBody, whyMostBody)
	}
	switch h.OnClientAbort {
	case "", abortContinue, abortCancel:
		return nil
	}
	return fmt.Errorf("on_client_abort %q: write continue or cancel", h.OnClientAbort)
}

// checkOrigin says what is wrong with origin.
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("origin %q: write where the API answers, like http://localhost:3000", origin)
	case u.User != nil:
		return fmt.Errorf("origin %q: leave out user and password; credential sets a header", u.Redacted())
	case u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("origin %q: leave out the query", origin)
	}
	return nil
}

// UnmarshalJSON implements [json.Unmarshaler]. Unknown fields are errors.
func (h *Handler) UnmarshalJSON(text []byte) error {
	type plain Handler
	return strict.Read(text, (*plain)(h))
}

// Interface guards.
var (
	_ caddy.Module          = (*Handler)(nil)
	_ caddyfile.Unmarshaler = (*Handler)(nil)
)

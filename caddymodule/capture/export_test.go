package capture

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidehook/sidehook/caddymodule/metrics"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Probe is the handler's request path in a chain of Caddy's, with a line of the
// test's behind it.
type Probe struct {
	rules.Config
	Line    string        `json:"line"`
	MaxBody int64         `json:"max_body,omitempty"`
	Budget  int64         `json:"budget,omitempty"`
	Fetch   time.Duration `json:"fetch,omitempty"`
	Max     int           `json:"max,omitempty"`
	Cancel  bool          `json:"cancel,omitempty"`
	Strict  bool          `json:"strict,omitempty"`
	Origin  string        `json:"origin,omitempty"`
	live    *Handler
}

func init() { caddy.RegisterModule(new(Probe)) }

// CaddyModule implements [caddy.Module].
func (*Probe) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.sidehook_probe", New: func() caddy.Module { return new(Probe) }}
}

var probeLines sync.Map // Line by name; nil has no engine

// SetProbeLine says which line the probes named name use.
func SetProbeLine(name string, l Line) { probeLines.Store(name, &l) }

// Provision implements [caddy.Provisioner].
func (p *Probe) Provision(ctx caddy.Context) error {
	program, err := rules.Compile(&p.Config)
	if err != nil {
		return err
	}
	orDefault := func(n, d int64) int64 {
		if n == 0 {
			return d
		}
		return n
	}
	var origin *Origin
	if p.Origin != "" {
		origin = NewOrigin(p.Origin, http.Header{"X-Service": {"token"}}, 2)
	}
	override := ""
	if p.Override != nil {
		override = p.Override.Header
	}
	p.live = New(Options{
		OverrideHeader: override,
		Origin:         origin,
		Program:        program, Lease: p.lease,
		Budget:       NewBudget(orDefault(p.Budget, 64<<20)),
		FetchTimeout: time.Duration(orDefault(int64(p.Fetch), int64(5*time.Second))),
		FetchMax:     int(orDefault(int64(p.Max), 16)), MaxBody: orDefault(p.MaxBody, 1<<20),
		CancelOnGone: p.Cancel, Strict: p.Strict, Logger: slog.New(slog.DiscardHandler),
	})
	probeBudgets.Store(p.Line, p.live.Budget)
	return nil
}

// Cleanup implements [caddy.CleanerUpper].
func (p *Probe) Cleanup() error {
	p.live.Origin.Close()
	return nil
}

var probeBudgets sync.Map

// ProbeBudget returns the budget of the probe that used the line named name.
func ProbeBudget(name string) *Budget {
	b, _ := probeBudgets.Load(name)
	return b.(*Budget)
}

func (p *Probe) lease() (Line, func(), error) {
	l, ok := probeLines.Load(p.Line)
	if !ok || *l.(*Line) == nil {
		return nil, nil, errors.New("no engine")
	}
	return *l.(*Line), func() {}, nil
}

// ServeHTTP implements [caddyhttp.MiddlewareHandler].
func (p *Probe) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return p.live.Serve(w, r, next)
}

// FetchesCounted returns how many GETs of a kind came to an outcome, so far.
func FetchesCounted(kind, outcome string) float64 {
	reg := prometheus.NewRegistry()
	reg.MustRegister(metrics.Process)
	families, err := reg.Gather()
	if err != nil {
		panic(err)
	}
	for _, family := range families {
		if family.GetName() != "sidehook_fetches_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			values := map[string]bool{}
			for _, l := range m.GetLabel() {
				values[l.GetValue()] = true
			}
			if values[kind] && values[outcome] {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// CallContext is the context of a captured call.
type CallContext = callContext

// NewCallContext returns one with the product's grace.
func NewCallContext(parent context.Context) *CallContext { return newCallContext(parent, goneGrace) }

// CommitTime is how long a call waits for the disk at most.
const CommitTime = commitTime

// Patience is patience.
type Patience struct{ p patience }

// Context is context.
func (p *Patience) Context() context.Context { return p.p.context() }

// HeaderKeeper is headerKeeper.
type HeaderKeeper struct{ k *headerKeeper }

// NewHeaderKeeper returns one that keeps names.
func NewHeaderKeeper(names ...string) *HeaderKeeper {
	return &HeaderKeeper{newHeaderKeeper(names)}
}

// Keep is keep.
func (k *HeaderKeeper) Keep(h http.Header) webhook.Header { return k.k.keep(h) }

// Attach is attach.
func (c *callContext) Attach() { c.attach() }

// End is end.
func (c *callContext) End() { c.end() }

// Patient is patient.
func (c *callContext) Patient() bool { return c.patient() }

// Breaker switches before-fetches off and on.
type Breaker struct{ b breaker }

// Closed is closed.
func (b *Breaker) Closed() bool { return b.b.closed() }

// Note is note.
func (b *Breaker) Note(ok bool) { b.b.note(ok) }

// TeeBody returns a body that keeps limit bytes of what is read of inner, which is
// length bytes long, and what says in the end what was seen.
func TeeBody(inner io.ReadCloser, length, limit int64) (body io.ReadCloser, finish func() webhook.Body) {
	t := newTeeBody(inner, length, limit, NewBudget(1<<20))
	return t, func() webhook.Body { b, _ := t.finish(); return b }
}

// Used returns how many bytes are taken.
func (b *Budget) Used() int64 { return b.used.Load() }

package engine

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// swapLogger is a slog.Handler whose destination changes with the
// configuration: what lives across reloads must not keep the logger of a
// configuration that is gone.
type swapLogger struct {
	to  *atomic.Pointer[slog.Logger]
	ops []func(slog.Handler) slog.Handler // WithAttrs and WithGroup calls, in order
}

func newSwapLogger(first *slog.Logger) swapLogger {
	s := swapLogger{to: new(atomic.Pointer[slog.Logger])}
	s.to.Store(first)
	return s
}

func (s swapLogger) handler() slog.Handler {
	h := s.to.Load().Handler()
	for _, op := range s.ops {
		h = op(h)
	}
	return h
}

// Enabled implements [slog.Handler].
func (s swapLogger) Enabled(ctx context.Context, l slog.Level) bool {
	return s.to.Load().Handler().Enabled(ctx, l)
}

// Handle implements [slog.Handler].
func (s swapLogger) Handle(ctx context.Context, r slog.Record) error {
	return s.handler().Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (s swapLogger) WithAttrs(attrs []slog.Attr) slog.Handler {
	return s.with(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup implements [slog.Handler].
func (s swapLogger) WithGroup(name string) slog.Handler {
	return s.with(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (s swapLogger) with(op func(slog.Handler) slog.Handler) slog.Handler {
	return swapLogger{s.to, append(s.ops[:len(s.ops):len(s.ops)], op)}
}

// debugs reports whether what is logged at level DEBUG is seen by anybody: the
// story of an ordinary call costs something to tell.
func (e *Engine) debugs() bool { return e.Logger.Enabled(context.Background(), slog.LevelDebug) }

package caddymodule

import (
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/caddymodule/engine"
)

// checkGrace warns if a slow API could hold up the end of the process.
func (a *App) checkGrace() error {
	if len(a.run.handlers) == 0 {
		return nil
	}
	loaded, err := a.run.ctx.AppIfConfigured("http")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil
	}
	if err != nil {
		return err
	}
	if http, ok := loaded.(*caddyhttp.App); ok {
		if what := slowToStop(time.Duration(http.GracePeriod), time.Duration(http.ShutdownDelay)); what != "" {
			a.run.logger.Warn(what)
		}
	}
	return nil
}

// slowToStop says why a shutdown may take longer than 5 s, or returns "".
func slowToStop(grace, delay time.Duration) string {
	const advice = "write grace_period 1s in the global options, and a shutdown takes at most 5s"
	switch {
	case grace <= 0:
		return "grace_period is not set: a shutdown takes as long as the slowest call in flight; " + advice
	case grace+delay > engine.CallsTime:
		return fmt.Sprintf("grace_period and shutdown_delay are %s in all: a shutdown may take %s; %s", grace+delay, grace+delay+engine.CloseTime, advice)
	}
	return ""
}

package engine

import (
	"context"
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/sidehook/sidehook/caddymodule/settings"
)

// sayStart logs what there is when the engine starts. What is to be read of the
// journal may be recorded already, and is passed over then.
func (e *Engine) sayStart(ctx context.Context) {
	s, err := e.Store.Stats(ctx)
	if err != nil {
		e.Logger.Warn("what an earlier process left behind is not known", "dir", e.Dir, "error", err)
	}
	sayFiles(e.Logger)
	j := e.Journal.Stats()
	e.Logger.Info("sidehook starts", "dir", e.Dir, "subscriptions", len(e.Current().Subscriptions), "resources", len(e.resources()),
		"deliveries_pending", s.Pending, "journal_unread_bytes", j.Unread, "calls_without_end", j.OpenBegins, "gaps_to_record", e.missed.Count())
}

// fewFiles is how many files and connections are few for one process: 256 attempts, the
// clients, the API behind, and the files of the store.
const fewFiles = 4096

// sayFiles warns if the process may open few. (Go's runtime has asked already for as many
// as it may have.)
func sayFiles(logger *slog.Logger) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err == nil && uint64(limit.Cur) < fewFiles {
		logger.Warn("the process may have few files and connections open: calls and attempts fail when they are used up. Write LimitNOFILE=65536 in the service of systemd, or ulimit -n 65536 before the start",
			"may_open", limit.Cur)
	}
}

// sayLeft warns if the configuration that goes, s, is the last to use the
// directory while something is owed from it: what comes now works elsewhere.
func (e *Engine) sayLeft(ctx context.Context, s *settings.Set, logger *slog.Logger) {
	e.mu.Lock()
	last := len(e.configs) == 1 && e.configs[0] == s
	e.mu.Unlock()
	if !last {
		return
	}
	j := e.Journal.Stats() // first: what leaves it meanwhile is counted by the store
	st, err := e.Store.Stats(ctx)
	if err == nil && st.Pending == 0 && j.Undone == 0 && j.Unread == 0 && j.OpenBegins == 0 {
		return
	}
	logger.Warn("no configuration uses this directory any more, and something is owed from it: that waits until one does again, "+
		"so write the same directory in store badger again", "dir", e.Dir, "deliveries_pending", st.Pending,
		"exchanges_to_derive", j.Undone, "journal_unread_bytes", j.Unread, "calls_in_flight", j.OpenBegins, "error", err)
}

package subscription

import (
	"strconv"

	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

func parseRetry(l *directive.Line, s *Subscription) error {
	args, err := l.Take(1, MaxRetry)
	if err != nil {
		return err
	}
	s.Retry = new(Retry)
	if preset, ok := retryPreset(args[0].Text); ok && len(args) == 1 {
		s.Retry = &preset
		return nil
	}
	for _, w := range args {
		var d rules.Duration
		if err := w.Duration(&d); err != nil {
			return err
		}
		*s.Retry = append(*s.Retry, d)
	}
	return nil
}

func parseOrder(l *directive.Line, s *Subscription) error {
	args, err := l.Take(1, 2)
	if err != nil {
		return err
	}
	s.Order = args[0].Text
	if err := args[0].Among("order", "entity", "subscription", "none"); err != nil || len(args) < 2 {
		return err
	}
	if s.Order != string(webhook.OrderEntity) {
		return args[1].Errf("unexpected %q: hold and skip are for order entity", args[1].Text)
	}
	if args[1].Text == "hold" {
		s.Order = string(webhook.OrderEntityHold)
	}
	return args[1].Among("order entity", "hold", "skip")
}

func parseConcurrency(l *directive.Line, s *Subscription) error {
	args, err := l.Take(1, 1)
	if err != nil {
		return err
	}
	if err := args[0].Number("concurrency", &s.Concurrency); err != nil {
		return err
	}
	if s.Concurrency > maxConcurrency {
		return args[0].Errf("concurrency %d: write a number up to %d", s.Concurrency, maxConcurrency)
	}
	return nil
}

func parseRate(l *directive.Line, s *Subscription) error {
	args, err := l.Take(1, 1)
	if err != nil {
		return err
	}
	if _, err := webhook.ParseRate(args[0].Text); err != nil {
		return args[0].Errf("%w", err)
	}
	if args[0].Text != None {
		s.Rate = args[0].Text
	}
	return nil
}

func parsePauseAfter(l *directive.Line, s *Subscription) error {
	args, err := l.Take(1, 1)
	if err != nil || args[0].Text == None {
		return err
	}
	return args[0].Number("pause_after", &s.PauseAfter)
}

func parseDeleteAfter(l *directive.Line, s *Subscription) error {
	args, err := l.Take(1, 2)
	if err != nil || len(args) == 1 && args[0].Text == None {
		return err
	}
	if err := args[0].Number("delete_after", &s.DeleteAfter); err != nil {
		return err
	}
	if len(args) < 2 {
		return l.Errf("delete_after %d what? write delete_after %d timeouts; other failures are for pause_after", s.DeleteAfter, s.DeleteAfter)
	}
	return args[1].Among("delete_after …", "timeouts")
}

// parseDisableAfter reads
//
//	disable_after DURATION|none
func parseDisableAfter(l *directive.Line, s *Subscription) error {
	args, err := l.Take(1, 1)
	if err != nil {
		return err
	}
	var d rules.Duration
	if args[0].Text != None {
		if err := args[0].Duration(&d); err != nil {
			return err
		}
	}
	p := DisableTime(d)
	if s.DisableAfter = &p; args[0].Text == None {
		return nil
	}
	if err := p.check(); err != nil || p == 0 {
		return args[0].Errf("disable_after %s: write a duration from %s on, like 5d, or none", args[0].Text, leastDisable)
	}
	return nil
}

const chunkUsage = "chunk 100, chunk 100 delay 300s, or chunk none"

// parseChunk reads
//
//	chunk SIZE [delay DURATION]
//	chunk none
func parseChunk(l *directive.Line, s *Subscription) error {
	args, err := l.Take(1, 3)
	if err != nil {
		return err
	}
	s.Chunk = new(Chunk)
	if args[0].Text == None && len(args) == 1 {
		return nil
	}
	size, err := strconv.Atoi(args[0].Text)
	if s.Chunk.Size = size; err != nil || size < 1 || s.Chunk.check() != nil {
		return args[0].Errf("chunk %s: write how many events one webhook carries, from 1 to %d: %s", args[0].Text, webhook.MaxChunk, l.Usage)
	}
	switch {
	case len(args) == 1:
		return nil
	case !args[1].Bare("delay") || len(args) == 2:
		return args[1].Errf("unexpected %q: write %s", directive.Text(args[1:]), l.Usage)
	}
	if err := args[2].Duration(&s.Chunk.Delay); err != nil {
		return err
	}
	if err := s.Chunk.check(); err != nil {
		return args[2].Errf("%w", err)
	}
	return nil
}

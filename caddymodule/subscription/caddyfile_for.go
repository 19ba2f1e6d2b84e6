package subscription

import (
	"github.com/sidehook/sidehook/caddymodule/directive"
)

// parseFor reads
//
//	for RESOURCE {
//		…
//	}
func parseFor(l *directive.Line, s *Subscription) error {
	args := l.Args()
	switch {
	case len(args) == 0 || args[0].Text == "":
		return l.Errf("for wants a resource: write %s", l.Usage)
	case len(args) > 1:
		return args[1].Errf("unexpected %q: for takes one resource; write a block for each", args[1].Text)
	case len(l.Block) == 0:
		return l.Errf("for %s replaces nothing: write options in its block, %s", args[0].Text, l.Usage)
	case s.For[args[0].Text] != nil:
		return l.Errf("for %s stands twice: write it once", args[0].Text)
	}
	inner := &Subscription{Name: s.Name}
	if err := ForOptions.Parse(l.Block, inner, "the block of for "+args[0].Text); err != nil {
		return err
	}
	if s.For == nil {
		s.For = make(map[string]*ForResource)
	}
	s.For[args[0].Text] = &ForResource{
		Filter: inner.Filter, OnChange: inner.OnChange, Fields: inner.Fields, SkipKeys: inner.SkipKeys,
		Payload: inner.Payload, ContentType: inner.ContentType, Headers: inner.Headers,
		Timeout: inner.Timeout, Retry: inner.Retry, Order: inner.Order, Chunk: inner.Chunk, Expand: inner.Expand, Query: inner.Query,
	}
	return nil
}

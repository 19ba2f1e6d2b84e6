package subscription

import (
	"fmt"
	"strconv"
	"time"

	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Chunk says that the events of one call are sent together.
type Chunk struct {
	// Size is how many events one webhook carries at most; more begin another.
	// 0: each event is a webhook of its own.
	Size int `json:"size" jsonschema:"How many events one webhook carries at most; 0: each event is one of its own." bounds:"0|1000"`

	// Delay is how much later than the one before each further webhook of one
	// call is due. Default: all at once.
	Delay rules.Duration `json:"delay,omitempty" jsonschema:"How much later than the one before each further webhook of one call is due, up to 24h."`
}

// maxChunkDelay bounds [Chunk].Delay.
const maxChunkDelay = 24 * time.Hour

const chunkUsage = "chunk 100, chunk 100 delay 300s, or chunk none"

// check says what is wrong with c.
func (c *Chunk) check() error {
	switch {
	case c == nil:
		return nil
	case c.Size < 0 || c.Size > webhook.MaxChunk:
		return fmt.Errorf("chunk of %d: write how many events one webhook carries, from 1 to %d", c.Size, webhook.MaxChunk)
	case c.Delay < 0 || time.Duration(c.Delay) > maxChunkDelay:
		return fmt.Errorf("chunk … delay: write a duration up to %s, like 300s", maxChunkDelay)
	}
	return nil
}

// plain returns c ready for use.
func (c *Chunk) plain() (out webhook.Chunking) {
	if c != nil && c.Size > 0 {
		out = webhook.Chunking{Size: c.Size, Delay: time.Duration(c.Delay)}
	}
	return out
}

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

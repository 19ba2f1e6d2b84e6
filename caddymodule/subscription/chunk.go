package subscription

import (
	"fmt"
	"time"

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

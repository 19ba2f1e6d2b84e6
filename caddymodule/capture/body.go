package capture

import "github.com/sidehook/sidehook/webhook"

// firstPiece bounds what a declared length makes us allocate before a byte of
// the body was seen.
const firstPiece = 32 << 10

// Body collects the bytes of one body, up to limit and as far as the
// process's budget goes. It is not safe for concurrent use.
type Body struct {
	bytes   []byte
	limit   int64
	length  int64 // as declared; 0 or less: not known
	budget  *Budget
	taken   int64
	missing webhook.Missing
}

// NewBody returns one of a body of the declared length, 0 or less if that is not
// known.
func NewBody(limit, length int64, budget *Budget) *Body {
	return &Body{limit: limit, length: length, budget: budget}
}

// Write implements [io.Writer]: it fails once bytes are missing.
func (c *Body) Write(p []byte) (int, error) {
	if c.add(p); c.missing != webhook.NotMissing {
		return 0, errAnswerTooLarge
	}
	return len(p), nil
}

// add appends p, unless bytes are missing already.
func (c *Body) add(p []byte) {
	if c.missing != webhook.NotMissing || len(p) == 0 {
		return
	}
	need := len(c.bytes) + len(p)
	switch {
	case int64(need) > c.limit:
		c.drop(webhook.TooLarge)
	case need > cap(c.bytes) && !c.grow(need):
		c.drop(webhook.NoBudget)
	default:
		c.bytes = append(c.bytes, p...)
	}
}

// grow makes room for need bytes, never by more than doubling what was really
// seen: a declared length costs its sender nothing.
func (c *Body) grow(need int) bool {
	size := max(need, 2*cap(c.bytes), int(min(c.length, firstPiece)))
	if c.length <= 0 {
		size = max(size, 512)
	}
	more := int64(size - cap(c.bytes))
	if !c.budget.TryTake(more) {
		return false
	}
	c.taken += more
	grown := make([]byte, len(c.bytes), size)
	copy(grown, c.bytes)
	c.bytes = grown
	return true
}

// drop forgets the bytes, for the reason why.
func (c *Body) drop(why webhook.Missing) {
	c.bytes, c.missing = nil, why
	c.Release()
}

// Release gives back what was taken of the budget: nothing keeps the bytes.
func (c *Body) Release() {
	c.budget.Give(c.taken)
	c.taken = 0
}

// Captured returns what was captured.
func (c *Body) Captured() webhook.Body {
	return webhook.Body{Bytes: c.bytes, Missing: c.missing}
}

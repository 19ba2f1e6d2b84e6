package missed

import (
	"errors"
	"fmt"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Why something may have been missed of any resource.
var (
	ErrStoreAnew     = errors.New("the store was gone, and is begun anew: what it knew and what it owed is lost")
	ErrJournalBehind = errors.New("the newest part of the journal was gone: calls in it that were not derived yet are lost")
)

// ErrAboveMax is why a call is not captured while the store is full.
var ErrAboveMax = fmt.Errorf("%w: %w: it takes more than store_max, and all that is in it is owed or known of entities", store.ErrJournalDown, store.ErrFull)

// asGap says what the gap of c says.
func (c *calls) asGap() webhook.Gap {
	g := webhook.Gap{Reason: webhook.GapJournal, From: c.from, To: c.to, Detail: c.why}
	while := fmt.Sprintf("while the journal could not write (%s)", c.why)
	switch c.why {
	case ErrStoreAnew.Error():
		g.Reason = webhook.GapStore
		return g
	case ErrJournalBehind.Error():
		return g
	case ErrAboveMax.Error():
		g.Reason = webhook.GapStore
		while = "while the store took more than store_max and nothing in it could go"
	}
	g.Detail = fmt.Sprintf("%d calls went through %s", c.count, while)
	if c.died {
		g.Detail = fmt.Sprintf("calls went through %s; the process ended before their number was kept", while)
	}
	return g
}

package derive

import "github.com/sidehook/sidehook/webhook"

// Close cuts all GETs.
func (t *Traffic) Close() { t.Drain(0) }

// Look returns what was found out about the after of exchange id, if that is settled;
// else then is called when it is.
func (t *Traffic) Look(id webhook.ExchangeID, then func()) (seen *webhook.Observation, concurrent, settled bool) {
	c, settled := t.look(id, nil, then)
	if c == nil {
		return nil, false, settled
	}
	return c.seen, c.concurrent, settled
}

package rules

import "github.com/sidehook/sidehook/webhook"

// after finds the state after the call: the first of the ladder that applies.
func (c *call) after(s *Subject, b *state, seen Seen, alone bool) outcome {
	for _, by := range c.ladder() {
		o := c.step(by, s, b, seen.Observation, alone)
		if o == nil {
			continue
		}
		if seen.Concurrent && o.confidence == webhook.Proven {
			o.confidence = webhook.Observed
		}
		return *o
	}
	return unknownAfter
}

// step is one way to know the state after.
type step uint8

const (
	byAnswer step = iota
	byPut
	byAPI
	byGet
	byComputing
	bySent
)

var (
	ladder         = []step{byAnswer, byPut, byAPI, byGet, byComputing}
	ladderUnsure   = []step{byGet} // nothing else tells whether it was done
	ladderResponse = []step{byAnswer, byPut, byAPI, byComputing}
	ladderFetch    = []step{byGet, byAnswer, byPut, byAPI, byComputing}
	ladderRequest  = []step{byComputing, bySent, byAnswer, byPut, byAPI, byGet}
)

func (c *call) ladder() []step {
	if c.unsure || c.later {
		return ladderUnsure
	}
	switch c.e.res.after {
	case "response":
		return ladderResponse
	case "fetch":
		return ladderFetch
	case "request":
		return ladderRequest
	}
	return ladder
}

// step tries one way; nil if it does not tell.
func (c *call) step(by step, s *Subject, b *state, obs *webhook.Observation, alone bool) *outcome {
	switch by {
	case byAnswer:
		if (s.echo && !b.whole() || len(s.other) > 0 || c.isOld(s, b) || s.parts || c.mayKeep(s)) && c.fromGet(s, b, obs, alone) != nil {
			return nil
		}
		return c.fromAnswer(s, b)
	case byPut:
		return c.fromPut(s, b)
	case byAPI:
		return c.fromAPI(s, b, obs, alone)
	case byGet:
		return c.fromGet(s, b, obs, alone)
	case byComputing:
		return c.computed(s, b)
	case bySent:
		return c.sent(s, b)
	}
	return nil
}

package rules

import "time"

// Trust returns how long a snapshot of the resource is believed without asking.
func (m *Match) Trust() time.Duration { return m.e.res.trust }

package journal

import "time"

// Bounds of what is kept in memory.
const (
	MaxRecent      = maxRecent
	MaxRecentBytes = maxRecentBytes
)

// Hang sets for how long a write may have hung for an end to wait for it.
func (j *Journal) Hang(limit time.Duration) { j.hang = limit }

// Recent returns how many ends are kept in memory, and the bytes that they take.
func (j *Journal) Recent() (ends int, memory int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.recent.count, j.recent.memory
}

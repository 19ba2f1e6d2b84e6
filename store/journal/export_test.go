package journal

// Bounds of what is kept in memory.
const (
	MaxRecent      = maxRecent
	MaxRecentBytes = maxRecentBytes
)

// Recent returns how many ends are kept in memory, and the bytes of their bodies.
func (j *Journal) Recent() (ends int, bodies int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.recent.count, j.recent.bodies
}

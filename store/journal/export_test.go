package journal

// Bounds of what is kept in memory.
const (
	MaxRecent      = maxRecent
	MaxRecentBytes = maxRecentBytes
)

// Recent returns how many ends are kept in memory, and the bytes that they take.
func (j *Journal) Recent() (ends int, memory int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.recent.count, j.recent.memory
}

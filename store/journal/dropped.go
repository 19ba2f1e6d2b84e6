package journal

// maxMissing bounds for how many missing segments OnDropped is called: a stray
// file may have any number.
const maxMissing = 1000

// dropLoop calls OnDropped, which may wait for a store that has stalled: the
// keeper must not.
func (j *Journal) dropLoop() {
	for {
		select {
		case <-j.dropKick:
			for number, ok := j.nextDropped(); ok; number, ok = j.nextDropped() {
				j.onDropped(number)
			}
		case <-j.stop:
			return
		}
	}
}

func (j *Journal) nextDropped() (number uint64, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.dropped) == 0 || j.closed {
		return 0, false
	}
	number, j.dropped = j.dropped[0], j.dropped[1:]
	return number, true
}

// isDropped has OnDropped called for s. What waits for a store that has stalled
// stays short: while nothing is recorded, no segment is dropped.
func (j *Journal) isDropped(s *segment) {
	if j.onDropped == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for n := range min(max(s.absent, 1), maxMissing) {
		j.dropped = append(j.dropped, s.number+n)
	}
	kick(j.dropKick)
}

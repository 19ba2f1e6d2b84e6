package journal

import (
	"fmt"
	"strings"
	"time"
)

// maxSpares is how many dropped segments are kept to be used again.
const maxSpares = 2

// keepLoop prepares segments, drops those that are done with, and tries a
// degraded journal.
func (j *Journal) keepLoop() {
	var again <-chan time.Time
	for {
		select {
		case <-j.keepKick:
		case <-again:
		case <-j.stop:
			return
		}
		j.keepScrubbed()
		j.keepPrepared()
		for j.dropFront() {
			j.keepPrepared()
		}
		again = j.probe()
		j.closeLater()
	}
}

// askPrepare has the keeper prepare the next segment, unless it failed to do
// so a moment ago. The caller holds mu.
func (j *Journal) askPrepare() {
	if j.prepareErr != nil && time.Since(j.lastTry) < retryEvery {
		return
	}
	if j.beginToPrepare() {
		kick(j.keepKick)
	}
}

// beginToPrepare makes the next segment wanted, unless it is there or on its
// way. The caller holds mu.
func (j *Journal) beginToPrepare() bool {
	if j.next != nil || j.preparing {
		return false
	}
	j.preparing, j.asked = true, time.Now()
	return true
}

func (j *Journal) keepPrepared() {
	j.mu.Lock()
	// A spare gives hope at once to a journal that has no next segment.
	if len(j.spares) > 0 {
		j.beginToPrepare()
	}
	wanted, number := j.preparing, j.newest+1
	j.mu.Unlock()
	if !wanted {
		return
	}
	s, err := j.prepare(number)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil {
		j.next, j.newest = s, number
	} else if j.prepareErr == nil {
		j.log.Warn("journal has no next segment", "error", err)
	}
	j.prepareErr, j.lastTry, j.preparing = err, time.Now(), false
	j.preparationEnds()
}

// preparationEnds wakes who waits for it. The caller holds mu.
func (j *Journal) preparationEnds() {
	close(j.prepared)
	j.prepared = make(chan struct{})
}

// prepare returns segment number, with its header and its name durable.
func (j *Journal) prepare(number uint64) (*segment, error) {
	s := &segment{number: number, mark: newMark(number), size: j.limit, end: dataStart}
	for {
		name, f, err := j.spare()
		if err != nil {
			return nil, fmt.Errorf("prepare a segment: %w", err)
		}
		if err = j.dress(name, f, s); err == nil {
			s.file = f
			return s, nil
		}
		f.Close()
		j.fs.Remove(name)
		if strings.HasSuffix(name, freshSuffix) {
			return nil, fmt.Errorf("prepare a segment: %w", err)
		}
	}
}

func (j *Journal) dress(name string, f File, s *segment) error {
	if err := writePageHeaders(f, s.mark); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := j.fs.Rename(name, segmentName(s.number)); err != nil {
		return err
	}
	return j.fs.SyncDir()
}

// spare returns a file of the segments' size: a dropped one, else a new one.
func (j *Journal) spare() (name string, f File, err error) {
	for len(j.spares) > 0 {
		name = j.spares[len(j.spares)-1]
		j.spares = j.spares[:len(j.spares)-1]
		if f, err = j.fs.Open(name); err == nil {
			return name, f, nil
		}
		j.fs.Remove(name)
	}
	name = "next" + freshSuffix
	if f, err = j.fs.Create(name); err != nil {
		return "", nil, err
	}
	if err = zeroFill(f, j.limit); err != nil {
		f.Close()
		j.fs.Remove(name)
	}
	return name, f, err
}

// zeroPiece is how much is filled at once: a page. Of larger pieces Linux makes
// pages of many blocks (ext4 since 6.16), and goes through all blocks of one at
// each append: measured, 6 µs of processor time for a call.
const zeroPiece = 4 << 10

// zeroFill writes n zeros, so that the space is there and later syncs change
// no metadata.
func zeroFill(f File, n int64) error {
	zeros := make([]byte, min(n, zeroPiece))
	for off := int64(0); off < n; off += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(n-off, int64(len(zeros)))], off); err != nil {
			return err
		}
	}
	return f.Sync()
}

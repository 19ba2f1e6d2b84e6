package journal

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// DefaultSegmentSize is several seconds of captured calls at full speed, which
// is how long a full disk is survived at least, and quickly filled with zeros.
const DefaultSegmentSize = 32 << 20

// minSegmentSize holds the segment's header and a few calls.
const minSegmentSize = 16 << 10

// Options says where and how a journal is kept.
type Options struct {
	Dir string // made if it is not there

	// Sync makes begins durable, as durable ends are. [Journal.SyncBegins]
	// changes it.
	Sync bool

	// SegmentSize is what a segment file is filled to; 0 means
	// DefaultSegmentSize. A larger frame makes its segment larger.
	SegmentSize int64

	// FS is used instead of the operating system's Dir.
	FS FS

	Logger *slog.Logger // nil discards

	// OnDropped is called after the file of a segment is gone for good, in
	// order and one call at a time, from a goroutine that does nothing else. It
	// may take its time, but Close waits for it, and what it was not called for
	// before Close it is never called for: see [Stats.First].
	OnDropped func(segment uint64)
}

// Journal is a [store.Journal].
type Journal struct {
	fs        FS
	log       *slog.Logger
	sync      atomic.Bool // begins too
	limit     int64       // segment size
	onDropped func(uint64)
	recovered store.Position
	own       uint64 // the first segment of this process

	mu       sync.Mutex
	segments []*segment // by number, the active one last
	active   *segment   // nil: nothing can be written now
	next     *segment   // prepared
	newest   uint64     // highest number given to a segment
	open     map[webhook.ExchangeID]place
	unclosed map[webhook.ExchangeID]struct{} // over, but open on disk; see begins.go
	recent   recent
	wake     chan struct{}  // closed when there may be more to read; nil if nobody waits
	last     store.Position // of the last end of this process
	closed   bool
	health   health

	// Preparing the next segment; see keep.go.
	preparing  bool
	prepared   chan struct{} // closed and replaced when preparing ends
	asked      time.Time     // when it began
	prepareErr error
	lastTry    time.Time
	probed     time.Time // when a degraded journal was tried last; owned by the keeper
	spares     []string  // owned by the keeper

	// Erasing; see scrub.go.
	scrub    uint64 // segments up to it leave no spare
	scrubbed uint64 // and none of them is active; owned by the keeper

	// Group commit; see commit.go.
	batch   *batch   // of the active segment
	queue   []*batch // of segments that were active before, to be synced first
	waiting atomic.Int64
	syncing time.Time // since when a sync runs; zero: none does

	// Writes that hang; see bounded.go.
	opened    time.Time
	hang      time.Duration // [hangTime], but in tests
	writing   atomic.Int64  // since when after opened one is being made; 0: none is
	refused   refused
	lastStats atomic.Pointer[Stats]

	dropped []uint64 // segments that OnDropped is to be called for

	readMu sync.Mutex // held before mu
	cursor cursor

	commitKick, keepKick, dropKick chan struct{}

	stop       chan struct{}
	goroutines sync.WaitGroup
}

// place is where an open begin is.
type place struct {
	segment *segment
	offset  int64
}

var _ store.Journal = (*Journal)(nil)

// Open opens the journal in o.Dir, or starts one. It reads everything kept
// there; damage is no error, [Journal.Next] reports it. If there is no room to
// write, that is none either: see [Journal.Health].
func Open(o Options) (*Journal, error) {
	j := &Journal{
		fs: o.FS, log: o.Logger, onDropped: o.OnDropped,
		limit:  o.SegmentSize,
		opened: time.Now(), hang: hangTime,
		open:       make(map[webhook.ExchangeID]place),
		unclosed:   make(map[webhook.ExchangeID]struct{}),
		prepared:   make(chan struct{}),
		commitKick: make(chan struct{}, 1), keepKick: make(chan struct{}, 1), dropKick: make(chan struct{}, 1),
		stop: make(chan struct{}),
	}
	j.sync.Store(o.Sync)
	if j.limit == 0 {
		j.limit = DefaultSegmentSize
	}
	if j.limit < minSegmentSize {
		return nil, fmt.Errorf("journal segment size %d: want at least %d bytes", j.limit, minSegmentSize)
	}
	if j.log == nil {
		j.log = slog.New(slog.DiscardHandler)
	}
	if j.fs == nil {
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("open journal: %w", err)
		}
		root, err := os.OpenRoot(o.Dir)
		if err != nil {
			return nil, fmt.Errorf("open journal: %w", err)
		}
		j.fs = directory{root}
	}
	if err := j.recover(); err != nil {
		j.leave()
		return nil, fmt.Errorf("open journal %s: %w", o.Dir, err)
	}
	j.start()
	return j, nil
}

// start takes up writing, in a segment of its own.
func (j *Journal) start() {
	j.mu.Lock()
	j.own = j.newest + 1
	j.recent.init(j.own)
	j.beginToPrepare()
	j.mu.Unlock()
	j.keepPrepared()
	j.mu.Lock()
	if !j.activate() {
		j.fail(j.prepareErr, false)
	}
	j.mu.Unlock()
	j.goroutines.Go(j.commitLoop)
	j.goroutines.Go(j.keepLoop)
	j.goroutines.Go(j.dropLoop)
}

// RecoveredEnd returns the position of the last entry that was there at Open;
// zero if there was none. Once [Journal.Next] has returned that entry,
// everything from before has been read.
func (j *Journal) RecoveredEnd() store.Position { return j.recovered }

// Own returns the number of the first segment of this process: entries of earlier
// ones are in segments before it.
func (j *Journal) Own() uint64 { return j.own }

// SyncBegins says whether begins are durable from now on; see [Options].
func (j *Journal) SyncBegins(yes bool) { j.sync.Store(yes) }

// Last implements [store.Journal].
func (j *Journal) Last() store.Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.recovered.Before(j.last) {
		return j.last
	}
	return j.recovered
}

// Close implements [store.Journal]. Appends that come later return an error
// that wraps [store.ErrJournalDown].
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	var last *batch
	if j.active != nil && j.active.end > dataStart {
		last = j.batch
		j.retire(true)
	}
	j.preparationEnds()
	j.mu.Unlock()

	close(j.stop)
	j.goroutines.Wait()
	j.readMu.Lock()
	defer j.readMu.Unlock()
	j.cursor.reset()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.recent.clear()
	for _, s := range []*segment{j.active, j.next} {
		if s != nil && s.file != nil {
			s.file.Close()
		}
	}
	j.leave()
	if last != nil {
		return last.err
	}
	return nil
}

// leave lets go of the directory.
func (j *Journal) leave() {
	if d, ok := j.fs.(io.Closer); ok {
		d.Close()
	}
}

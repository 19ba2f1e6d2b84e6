package journal_test

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"sync"
	"syscall"

	"github.com/sidehook/sidehook/store/journal"
)

const sector = 512

// disk is an FS in memory that can lose power, fill up and fail.
type disk struct {
	mu      sync.Mutex
	off     bool // power was lost: this one is gone
	files   map[string]*content
	durable map[string]*content
	pending []func(map[string]*content) // directory changes since the last SyncDir

	space     int64    // bytes of all files together; 0: no limit
	bad       *content // cannot be written to
	allBad    bool     // and neither can the others
	syncFails int      // so many syncs of segments fail
	retried   bool     // a file whose sync had failed was synced again
	syncs     int
	creates   int
	reads     int
	hung      chan struct{} // syncs wait until it is closed; nil: they do not
	frozen    chan struct{} // and so do writes
}

// content is a file. durable has what a power loss leaves; where sectors are
// dirty the disk may have either.
type content struct {
	data, durable []byte
	dirty         map[int64]bool
	failed        bool
}

func newDisk() *disk {
	return &disk{files: map[string]*content{}, durable: map[string]*content{}}
}

// crash returns the disk after a power loss at this moment, of which chance
// says how much of what was not synced has survived.
func (d *disk) crash(rng *rand.Rand, chance float64) *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
	kept := rng.IntN(len(d.pending) + 1)
	for _, change := range d.pending[:kept] {
		change(d.durable)
	}
	after := newDisk()
	for name, c := range d.durable {
		data := append([]byte(nil), c.durable...)
		for s := range c.dirty {
			if rng.Float64() >= chance || s*sector >= int64(len(c.data)) {
				continue
			}
			end := min((s+1)*sector, int64(len(c.data)))
			if grow := end - int64(len(data)); grow > 0 {
				data = append(data, make([]byte, grow)...)
			}
			copy(data[s*sector:end], c.data[s*sector:end])
		}
		after.files[name] = &content{data: data, durable: append([]byte(nil), data...), dirty: map[int64]bool{}}
	}
	after.durable = maps.Clone(after.files)
	return after
}

var errPower = errors.New("no power")

func (d *disk) change(do func(map[string]*content)) error {
	if d.off {
		return errPower
	}
	do(d.files)
	d.pending = append(d.pending, do)
	return nil
}

func (d *disk) List() (names []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.files {
		names = append(names, name)
	}
	return names, nil
}

func (d *disk) Create(name string) (journal.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.creates++
	c := &content{dirty: map[int64]bool{}}
	return handle{d, c}, d.change(func(m map[string]*content) { m[name] = c })
}

func (d *disk) Open(name string) (journal.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.files[name]; c != nil && !d.off {
		return handle{d, c}, nil
	}
	return nil, fs.ErrNotExist
}

func (d *disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.change(func(m map[string]*content) {
		if c := m[from]; c != nil {
			m[to] = c
			delete(m, from)
		}
	})
}

func (d *disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.change(func(m map[string]*content) { delete(m, name) })
}

func (d *disk) SyncDir() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return errPower
	}
	d.durable, d.pending = maps.Clone(d.files), nil
	return nil
}

// used returns the size of all files. The caller holds mu.
func (d *disk) used() (n int64) {
	for _, c := range d.files {
		n += int64(len(c.data))
	}
	return n
}

type handle struct {
	d *disk
	c *content
}

func (h handle) ReadAt(p []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	h.d.reads++
	if off >= int64(len(h.c.data)) {
		return 0, io.EOF
	}
	n := copy(p, h.c.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h handle) WriteAt(p []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if frozen := h.d.frozen; frozen != nil {
		h.d.mu.Unlock()
		<-frozen
		h.d.mu.Lock()
	}
	if h.d.off {
		return 0, errPower
	}
	if h.d.allBad || h.c == h.d.bad {
		return 0, syscall.EIO
	}
	n := len(p)
	var err error
	if grow := off + int64(n) - int64(len(h.c.data)); grow > 0 {
		if free := h.d.space - h.d.used(); h.d.space > 0 && grow > free {
			n, grow, err = max(n-int(grow-free), 0), max(free, 0), syscall.ENOSPC
		}
		h.c.data = append(h.c.data, make([]byte, grow)...)
	}
	copy(h.c.data[off:], p[:n])
	for s := off / sector; s*sector < off+int64(n); s++ {
		h.c.dirty[s] = true
	}
	return n, err
}

// Sync may fail as Linux does: what was dirty is clean after that, and never
// written.
func (h handle) Sync() error {
	h.d.mu.Lock()
	if hung := h.d.hung; hung != nil {
		h.d.mu.Unlock()
		<-hung
		h.d.mu.Lock()
	}
	defer h.d.mu.Unlock()
	if h.d.off {
		return errPower
	}
	h.d.syncs++
	h.d.retried = h.d.retried || h.c.failed
	if h.d.syncFails > 0 {
		h.d.syncFails--
		h.c.failed = true
		h.c.dirty = map[int64]bool{}
		return syscall.EIO
	}
	if grow := len(h.c.data) - len(h.c.durable); grow > 0 {
		h.c.durable = append(h.c.durable, make([]byte, grow)...)
	}
	for s := range h.c.dirty {
		end := min((s+1)*sector, int64(len(h.c.data)))
		copy(h.c.durable[s*sector:end], h.c.data[s*sector:end])
	}
	h.c.dirty = map[int64]bool{}
	return nil
}

func (h handle) Size() (int64, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	return int64(len(h.c.data)), nil
}

func (h handle) Close() error { return nil }

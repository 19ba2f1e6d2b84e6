package badger

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	badgerdb "github.com/dgraph-io/badger/v4"
)

// view is the store as it was after some commit. Badger makes a new
// transaction wait for those being committed, so readers share the one that
// the committer opened after the last: reading never waits for a sync.
type view struct {
	txn  *badgerdb.Txn
	refs atomic.Int32
	all  *views
	n    uint64 // how many were opened before it
}

// release lets go of v. Who commits something, or waits for a commit, has let go
// of its view before: the committer waits for all views when it opens the store
// again.
func (v *view) release() {
	if v.refs.Add(-1) == 0 {
		v.txn.Discard()
		v.all.mu.Lock()
		delete(v.all.live, v)
		v.all.mu.Unlock()
		v.all.open.Done()
	}
}

var errNotOpen = errors.New("the store is not open")

// views hands out the newest view.
type views struct {
	mu   sync.Mutex
	cur  *view
	n    uint64         // opened so far
	live map[*view]bool // not released yet
	open sync.WaitGroup

	reading atomic.Pointer[func()] // before each read; tests have it fail there, as a disk does
}

// read is called before each read.
func (v *views) read() {
	if f := v.reading.Load(); f != nil {
		(*f)()
	}
}

// renew makes the state of db now the newest view.
func (v *views) renew(db *badgerdb.DB) {
	fresh := &view{txn: db.NewTransaction(false), all: v}
	fresh.refs.Store(1)
	v.open.Add(1)
	v.mu.Lock()
	if v.live == nil {
		v.live = map[*view]bool{}
	}
	fresh.n, v.live[fresh] = v.n, true
	v.n++
	old := v.cur
	v.cur = fresh
	v.mu.Unlock()
	if old != nil {
		old.release()
	}
}

// get returns the newest view, which the caller releases.
func (v *views) get() (*view, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cur == nil {
		return nil, errNotOpen
	}
	v.cur.refs.Add(1)
	return v.cur, nil
}

// older reports whether somebody holds a view that was opened before one.
func (v *views) older(than *view) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for w := range v.live {
		if w.n < than.n {
			return true
		}
	}
	return false
}

// end lets go of the newest view and waits for the readers of all; get fails
// from then on.
func (v *views) end() {
	v.mu.Lock()
	last := v.cur
	v.cur = nil
	v.mu.Unlock()
	if last != nil {
		last.release()
	}
	v.open.Wait()
}

// value is what a key holds.
type value struct {
	bytes []byte // nil: there is no such key
	long  bool   // bytes say how many pieces there are
}

func (v value) found() bool { return v.bytes != nil }

// clip returns v in no more memory than it is weighed as, about: a cache keeps it
// for long, and what it was encoded in may be far larger.
func (v value) clip() value {
	if cap(v.bytes) > 2*len(v.bytes)+64 {
		v.bytes = slices.Clone(v.bytes)
	}
	return v
}

// readError is of the disk, not of what is on it: another try may do.
type readError struct{ err error }

func (e *readError) Error() string { return "read the store: " + e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

var errFault = errors.New("the disk does not give what it has of a table")

// failed makes a panic of Badger, while it reads, the error of the read. Badger has
// its tables mapped into memory: what the disk does not give of them is a fault,
// which would be the death of the process, and of the API in it.
func failed(p any) error {
	if _, fault := p.(interface{ Addr() uintptr }); fault {
		return &readError{errFault}
	}
	return fmt.Errorf("panic while the store was read: %v", p)
}

// longMeta marks long values in Badger's user metadata.
const longMeta = 1

func (v *view) get(k key) (found value, err error) {
	defer func(before bool) {
		debug.SetPanicOnFault(before)
		if p := recover(); p != nil {
			found, err = value{}, failed(p)
		}
	}(debug.SetPanicOnFault(true))
	v.all.read()
	item, err := v.txn.Get(k)
	if errors.Is(err, badgerdb.ErrKeyNotFound) {
		return value{}, nil
	}
	if err != nil {
		return value{}, &readError{err}
	}
	return copyItem(item)
}

func copyItem(item *badgerdb.Item) (value, error) {
	b, err := item.ValueCopy(nil)
	if err != nil {
		return value{}, &readError{err}
	}
	if b == nil {
		b = []byte{}
	}
	return value{b, item.UserMeta() == longMeta}, nil
}

// scan goes through the keys of a prefix.
type scan struct {
	prefix  []byte
	from    []byte // where it begins, prefix included; nil: at the first key (or the last)
	reverse bool
}

// beyond is greater than what follows the prefix of any scan.
var beyond = bytes.Repeat([]byte{0xff}, 17)

// each calls f for every key, until f returns false or an error. The key is
// valid until f returns.
func (v *view) each(q scan, f func(k []byte, item *badgerdb.Item) (bool, error)) (err error) {
	its := true // what panics is Badger, and not f
	defer func(before bool) {
		debug.SetPanicOnFault(before)
		if its {
			if p := recover(); p != nil {
				err = failed(p)
			}
		}
	}(debug.SetPanicOnFault(true))
	v.all.read()
	it := v.txn.NewIterator(badgerdb.IteratorOptions{Reverse: q.reverse, Prefix: q.prefix})
	defer it.Close()
	from := q.from
	if from == nil {
		from = q.prefix
		if q.reverse {
			from = slices.Concat(q.prefix, beyond)
		}
	}
	for it.Seek(from); it.ValidForPrefix(q.prefix); it.Next() {
		its = false
		more, err := f(it.Item().Key(), it.Item())
		if err != nil || !more {
			return err
		}
		its = true
		v.all.read()
	}
	return nil
}

// first returns the first key of a scan, or nil.
func (v *view) first(q scan) (found []byte, err error) {
	err = v.each(q, func(k []byte, _ *badgerdb.Item) (bool, error) {
		found = bytes.Clone(k)
		return false, nil
	})
	return found, err
}

package missed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// file keeps which resources calls were missed for, for the case that the
// process dies before the gaps are recorded. Its room is taken beforehand: it is
// written to while the disk is full. It is not synced: it survives the death of
// the process, and of the machine as the system sees fit.
type file struct{ f *os.File }

// fileSize is how large the file is, always.
const fileSize = 32 << 10

// entry is one resource in the file; without an API it is all of them.
type entry struct {
	Gap      webhook.ExchangeID `json:"gap"` // what the gap is recorded as
	API      string             `json:"api"`
	Resource string             `json:"resource"`
	From     time.Time          `json:"from"`
	Why      string             `json:"why"`
}

// errUnreadable says that calls were missed, and not which.
var errUnreadable = errors.New("the list of resources with missed calls cannot be read")

// openFile opens the file at path, or makes it, and returns what an earlier
// process left in it. With errUnreadable the file can be used.
func openFile(path string) (*file, []entry, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open the list of missed calls: %w", err)
	}
	m := &file{f}
	content := make([]byte, fileSize)
	n, err := f.ReadAt(content, 0)
	if err != nil && err != io.EOF {
		return m, nil, errUnreadable
	}
	if n < fileSize {
		if _, err := f.WriteAt(content[n:], int64(n)); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("make room for the list of missed calls: %w", err), f.Close())
		}
	}
	content = bytes.TrimRight(content[:n], "\x00")
	if len(content) == 0 {
		return m, nil, nil
	}
	var left []entry
	if json.Unmarshal(content, &left) != nil {
		return m, nil, errUnreadable
	}
	return m, left, nil
}

// write puts entries in place of what the file says. What does not fit makes it say
// "all": it cannot be read, on purpose.
func (m *file) write(entries []entry) error {
	content := make([]byte, fileSize)
	if len(entries) > 0 {
		list, err := json.Marshal(entries)
		if err != nil || len(list) > fileSize {
			list = []byte("more than fits")
		}
		copy(content, list)
	}
	_, err := m.f.WriteAt(content, 0)
	return err
}

func (m *file) close() error { return m.f.Close() }

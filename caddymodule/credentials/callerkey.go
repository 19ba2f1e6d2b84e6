package credentials

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// callerKeySize is that of the key in bytes.
const callerKeySize = 32

// OpenKey returns the key of the data directory under which callers are
// known again, for as long as calls with an Idempotency-Key are remembered: it
// is made once. With an error it is good for this process only.
func OpenKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, "caller.key")
	key, err := os.ReadFile(path)
	if err == nil && len(key) == callerKeySize {
		return key, nil
	}
	key = make([]byte, callerKeySize)
	rand.Read(key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return key, fmt.Errorf("read the key of callers: %w", err)
	}
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return key, fmt.Errorf("keep the key of callers: %w", err)
	}
	_, err = f.Write(key)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return key, fmt.Errorf("keep the key of callers: %w", err)
	}
	return key, nil
}

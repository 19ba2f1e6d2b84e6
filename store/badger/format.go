package badger

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sidehook/sidehook/store"
)

// format is the version of the layout in keys.go. It is in the file FORMAT, as
// text, beside Badger's files.
const format = 12

const formatFile = "FORMAT"

// CheckFormat refuses a store of another version, with an error that wraps
// [store.ErrUnfit]. It changes nothing.
func CheckFormat(dir string) error {
	path := filepath.Join(dir, formatFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a new directory
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", dir, err)
	}
	version, err := strconv.Atoi(strings.TrimSpace(string(text)))
	switch {
	case err != nil || version < 1:
		return fmt.Errorf("store %s: %s says %q instead of a version; is this the right directory?", dir, formatFile, bytes.TrimSpace(text))
	case version > format:
		return fmt.Errorf("store %s: %w: its format is version %d, and this sidehook knows those to %d: run the sidehook that wrote it, or a newer one", dir, store.ErrUnfit, version, format)
	case version < format:
		return fmt.Errorf("store %s: %w: its format is version %d, from before the first release, and this sidehook reads only %d: start with an empty directory", dir, store.ErrUnfit, version, format)
	}
	return nil
}

// IsNew reports whether there is no store in dir, which opening it would make.
func IsNew(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, formatFile))
	return errors.Is(err, fs.ErrNotExist)
}

// writeFormat notes the version, once, durably.
func writeFormat(dir string) error {
	path := filepath.Join(dir, formatFile)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("store %s: %w", dir, err)
	}
	_, err = fmt.Fprintln(f, format)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", dir, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// dropEmptyLogs removes log files of no length from dir. A process that is
// killed while it makes one leaves it behind, and Badger 4.9 refuses to open a
// directory that has one. Nothing is removed if another process has dir open.
func dropEmptyLogs(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close() // and the lock with it
	if unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return nil // Badger says who has it
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext != ".mem" && ext != ".vlog" {
			continue
		}
		if info, err := e.Info(); err == nil && info.Size() == 0 {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// isLocked recognises the lock of another process, which Badger wraps without
// a sentinel.
func isLocked(err error) bool {
	return errors.Is(err, unix.EWOULDBLOCK) || strings.Contains(err.Error(), "Cannot acquire directory lock")
}

// Holder names the process that has the store in dir open, as far as Badger's LOCK
// tells: " (pid 17)", or nothing.
func Holder(dir string) string {
	pid, err := os.ReadFile(filepath.Join(dir, "LOCK"))
	if n, bad := strconv.Atoi(strings.TrimSpace(string(pid))); err == nil && bad == nil {
		return fmt.Sprintf(" (pid %d)", n)
	}
	return ""
}

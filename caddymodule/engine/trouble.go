package engine

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/sidehook/sidehook/store"
)

// trouble is an error that is the disk's or the store's, and no mistake of a
// configuration: it may go away by itself, or without a restart.
type trouble struct{ error }

func (t trouble) Unwrap() error { return t.error }

// cannotOpen says that dir cannot be opened, why, and what to do. It is trouble, unless
// the directory is another process's or of another format, or can be none.
func cannotOpen(dir string, err error) error {
	said := fmt.Errorf("open %s: %w", dir, err)
	if do := advice(dir, err); do != "" {
		said = fmt.Errorf("%w; %s", said, do)
	}
	if errors.Is(err, store.ErrUnfit) || errors.Is(err, syscall.ENOTDIR) {
		return said
	}
	return trouble{said}
}

// isTrouble reports whether it helps to wait.
func isTrouble(err error) bool {
	_, yes := errors.AsType[trouble](err)
	return yes
}

// advice says what to do about an error of opening dir; empty if the error says it.
func advice(dir string, err error) string {
	switch is := func(no syscall.Errno) bool { // Badger does not wrap all
		return errors.Is(err, no) || strings.Contains(err.Error(), no.Error())
	}; {
	case errors.Is(err, store.ErrUnfit):
		return ""
	case errors.Is(err, store.ErrFull), is(syscall.ENOSPC), is(syscall.EDQUOT):
		return "free some room on its disk, and delete nothing in it"
	case errors.Is(err, errSlow), is(syscall.EROFS), is(syscall.EIO):
		return "look after its disk (dmesg)"
	case is(syscall.EMFILE), is(syscall.ENFILE), is(syscall.ENOMEM), is(syscall.EFBIG), is(syscall.ENOLCK):
		return "raise what this process may take (ulimit), and delete nothing in it"
	case is(syscall.ENOTDIR), is(syscall.EEXIST):
		return "write store badger DIRECTORY in sidehook of the global options, with one that this process may make and write"
	case is(syscall.EACCES), is(syscall.EPERM):
		return "let the user of this process have it (chown -R, chmod), or write store badger DIRECTORY in sidehook of the global options, with one that it may make and write"
	}
	return "put back a backup of the whole directory, or move " + filepath.Join(dir, "store") + " away: then a new one is begun, and what this one knows and owes is lost"
}

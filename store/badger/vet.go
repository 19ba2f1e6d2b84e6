package badger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	badgerdb "github.com/dgraph-io/badger/v4"
)

// vet looks for damage that Badger 4.9 answers with a panic of a goroutine of its own,
// or takes for a new directory, whose tables it then deletes: no manifest or one that
// lists no table, and tables that are cut. vetFiles looks for what ends the process, or
// is never let go of. Other damage is an error of Badger's.
func vet(o Options) error {
	if IsNew(o.Dir) {
		return nil
	}
	if err := vetFiles(o.Dir); err != nil {
		return damaged(err)
	}
	if err := readable(filepath.Join(o.Dir, badgerdb.KeyRegistryFileName)); err != nil { // Badger wraps no errors
		return damaged(err)
	}
	keys, err := badgerdb.OpenKeyRegistry(badgerdb.KeyRegistryOptions{Dir: o.Dir, ReadOnly: true})
	if err != nil {
		return damaged(err)
	}
	if err := keys.Close(); err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(o.Dir, badgerdb.ManifestFilename))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("it is damaged: its MANIFEST is missing")
	} else if err != nil {
		return err
	}
	defer f.Close()
	m, _, err := badgerdb.ReplayManifestFile(f, 0, tuned(o))
	if err != nil {
		return damaged(err)
	}
	if len(m.Tables) == 0 { // see ground
		return errors.New("it is damaged: its MANIFEST lists no table")
	}
	for id := range m.Tables {
		name := fmt.Sprintf("%06d.sst", id)
		if err := vetTable(filepath.Join(o.Dir, name)); err != nil {
			return damaged(fmt.Errorf("table %s: %w", name, err))
		}
	}
	return nil
}

// damaged says that err is damage, unless it is the system's, which would not let it be
// read: then nothing is known of what is there.
func damaged(err error) error {
	if no, system := errors.AsType[syscall.Errno](err); system && no != syscall.ENOENT {
		return err
	}
	return fmt.Errorf("it is damaged: %w", err)
}

// readable returns the error of reading the first byte of a file.
func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Read(make([]byte, 1)); err != io.EOF {
		return err
	}
	return nil
}

// probe makes a file as large as the logs that Badger makes as it opens, and removes it.
// Where that fails, Badger would too, and leave its memtables, files and goroutines
// behind: some 20 MiB each time it is tried.
func probe(dir string) error {
	f, err := os.Create(filepath.Join(dir, "PROBE"))
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(2*memtableSize), f.Close(), os.Remove(f.Name()))
}

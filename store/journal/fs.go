package journal

import (
	"io"
	"os"
	"slices"
)

// FS is the directory that a journal lives in. Names have no slashes.
type FS interface {
	// List returns the names of the files.
	List() ([]string, error)
	// Create makes an empty file, or empties the one that is there.
	Create(name string) (File, error)
	// Open opens a file for reading and writing.
	Open(name string) (File, error)
	// Rename replaces the file at to, if there is one.
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir makes what Create, Rename and Remove did durable.
	SyncDir() error
}

// File is one file of an [FS].
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Sync makes the written bytes durable, and the size if it changed.
	Sync() error
	Size() (int64, error)
}

// directory is the FS of the operating system. It is the directory that was opened, wherever
// that is moved, and whatever is mounted or put in its place: that may be a journal too, whose
// files have the same names.
type directory struct{ *os.Root }

func (d directory) List() ([]string, error) {
	f, err := d.Root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, err
}

func (d directory) Create(name string) (File, error) {
	return opened(d.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600))
}

func (d directory) Open(name string) (File, error) {
	return opened(d.OpenFile(name, os.O_RDWR, 0))
}

// opened keeps a nil *os.File out of the interface.
func opened(f *os.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

func (d directory) SyncDir() error {
	f, err := d.Root.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

type file struct{ *os.File }

func (f file) Sync() error { return datasync(f.File) }

func (f file) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

package badger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// spareFiles are how many files Badger has open, as it opens, beside those that are there.
const spareFiles = 8

// vetFiles opens all files that Badger will, for what it will, and all at once: there may
// be too many for the process. One that it cannot open ends the process (DISCARD), or
// leaves memtables, files and goroutines behind, some 20 MiB each time that is tried.
func vetFiles(dir string) (err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var open []*os.File
	defer func() {
		for _, f := range open {
			err = errors.Join(err, f.Close())
		}
	}()
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if !strings.Contains(".mem .vlog .sst", ext) || ext == "" && e.Name() != "DISCARD" {
			continue
		}
		f, err := os.OpenFile(filepath.Join(dir, e.Name()), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		open = append(open, f)
		if ext == ".mem" || ext == ".vlog" {
			if err := vetLog(f); err != nil {
				return err
			}
		}
	}
	for range spareFiles {
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		open = append(open, f)
	}
	return nil
}

// vetLog reads which key a log is sealed with: none, ever.
func vetLog(f *os.File) error {
	var key [8]byte
	if n, _ := f.ReadAt(key[:], 0); n == len(key) && binary.BigEndian.Uint64(key[:]) != 0 {
		return fmt.Errorf("%s does not begin as a log does", filepath.Base(f.Name()))
	}
	return nil
}

// mostChecksum is above what a table's checksum takes, which is some 10 bytes.
const mostChecksum = 64

// vetTable reads the end of a table: its index, the index's length, a checksum and the
// checksum's length.
func vetTable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	at := info.Size()
	number := func() (int64, error) {
		var b [4]byte
		at -= int64(len(b))
		if at < 0 {
			return 0, errCut
		}
		_, err := f.ReadAt(b[:], at)
		return int64(binary.BigEndian.Uint32(b[:])), err
	}
	sum, err := number()
	if err != nil {
		return err
	}
	if sum > mostChecksum {
		return errCut
	}
	at -= sum
	index, err := number()
	if err != nil {
		return err
	}
	if index == 0 || index > at {
		return errCut
	}
	return nil
}

var errCut = errors.New("it is cut off")

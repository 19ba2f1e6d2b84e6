package main

import (
	"os"
	"path/filepath"
	"time"
)

// disk measures what the disk takes for a small synced append, as a journal
// would make it: into space that is already there.
type disk struct {
	file  *os.File
	at    int64
	times []time.Duration // of appends in a row
	apart []time.Duration // of appends with a call between them
}

const (
	record  = 1 << 10
	segment = 4 << 20
)

func openDisk(dir string) (*disk, error) {
	file, err := os.Create(filepath.Join(dir, "disk"))
	if err != nil {
		return nil, err
	}
	if _, err := file.Write(make([]byte, segment)); err != nil {
		return nil, err
	}
	return &disk{file: file}, file.Sync()
}

// measure makes n synced appends in a row.
func (d *disk) measure(n int) error {
	for range n {
		took, err := d.append()
		if err != nil {
			return err
		}
		d.times = append(d.times, took)
	}
	return nil
}

// measureOne makes the append that follows on a call. It takes longer than one
// in a row: disk and processor have gone to rest meanwhile.
func (d *disk) measureOne() error {
	took, err := d.append()
	d.apart = append(d.apart, took)
	return err
}

func (d *disk) append() (time.Duration, error) {
	began := time.Now()
	if _, err := d.file.WriteAt(text[:], d.at); err != nil {
		return 0, err
	}
	if err := datasync(d.file); err != nil {
		return 0, err
	}
	d.at = (d.at + record) % segment
	return time.Since(began), nil
}

// text is what is appended.
var text = func() (t [record]byte) {
	for i := range t {
		t[i] = byte(i)
	}
	return t
}()

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
	times []time.Duration
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

// measure makes n synced appends.
func (d *disk) measure(n int) error {
	text := make([]byte, record)
	for i := range text {
		text[i] = byte(i)
	}
	for range n {
		began := time.Now()
		if _, err := d.file.WriteAt(text, d.at); err != nil {
			return err
		}
		if err := datasync(d.file); err != nil {
			return err
		}
		d.times = append(d.times, time.Since(began))
		d.at = (d.at + record) % segment
	}
	return nil
}

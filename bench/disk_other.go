//go:build !linux

package main

import (
	"io/fs"
	"os"
)

func datasync(f *os.File) error { return f.Sync() }

// blocks returns how long a file is.
func blocks(info fs.FileInfo) int64 { return info.Size() }

package main

import (
	"os"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store/badger"
)

func TestZZFill(t *testing.T) {
	dir := os.Getenv("ZZDIR")
	b := backlog{subscription: "dead", events: millionEvents, entities: millionEntities}
	began := time.Now()
	n, err := b.fill(dir)
	t.Log(n, err, time.Since(began))
}

func TestZZOpen(t *testing.T) {
	dir := os.Getenv("ZZDIR")
	for range 3 {
		began := time.Now()
		s, err := badger.Open(badger.Options{Dir: dir + "/store"})
		if err != nil {
			t.Fatal(err)
		}
		t.Log("open", time.Since(began))
		began = time.Now()
		s.Close()
		t.Log("close", time.Since(began))
	}
}

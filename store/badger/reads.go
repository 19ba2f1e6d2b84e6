package badger

import (
	"context"
	"fmt"
)

// maxReads bounds the reads that are waited for with a limit: on a disk that hangs
// each keeps a goroutine.
const maxReads = 256

// reads are those that somebody waits for with a limit. A disk that hangs ends no
// read, but it is to hold up nobody who has better things to do.
type reads chan struct{}

// wait returns what read does, or the error of ctx once that ends. read goes on then,
// and nobody hears of it.
func (r reads) wait(ctx context.Context, read func() (kept, error)) (kept, error) {
	if ctx.Done() == nil {
		return read()
	}
	select {
	case r <- struct{}{}:
	case <-ctx.Done():
		return kept{}, slow(ctx)
	}
	var found kept
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			<-r
			if p := recover(); p != nil { // who waits would have had it
				err = fmt.Errorf("panic in the store: %v", p)
			}
		}()
		found, err = read()
	}()
	select {
	case <-done:
		return found, err
	case <-ctx.Done():
		return kept{}, slow(ctx)
	}
}

func slow(ctx context.Context) error {
	return fmt.Errorf("the disk has not answered: %w", ctx.Err())
}

package derive_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/webhook"
)

// Who waits for what is on its way waits for the calls that were there, each
// until its after is known, and for none that comes later. One that gave up
// leaves nothing behind.
func TestQuiesce(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		if err := tr.Quiesce(t.Context()); err != nil {
			t.Fatal(err)
		}
		named, unnamed := tr.Enter(t.Context(), project5, 0), tr.EnterUnnamed(project5)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := tr.Quiesce(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("with two calls open: %v", err)
		}
		quiet := make(chan error, 1)
		go func() { quiet <- tr.Quiesce(t.Context()) }()
		time.Sleep(time.Second)
		later := tr.EnterUnnamed(project5)
		unnamed.Drop()
		named.Leave(webhook.NewExchangeID(time.Now()), time.Now())
		time.Sleep(time.Second)
		synctest.Wait()
		select {
		case <-quiet:
			t.Fatal("did not wait for the after of a call")
		default:
		}
		named.Settle()
		time.Sleep(time.Second)
		synctest.Wait()
		select {
		case err := <-quiet:
			t.Fatalf("did not wait for a call that came while another waiter had given up: %v", err)
		default:
		}
		later.Drop()
		if err := <-quiet; err != nil {
			t.Fatal(err)
		}
	})
}

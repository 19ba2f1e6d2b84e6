package capture

import (
	"context"
	"net/http"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/webhook"
)

// Line is what the request path needs of the engine behind it: the journal,
// the open calls, and what is known of an entity. All methods are safe for
// concurrent use.
type Line interface {
	// Begin and End are the journal's; see [store.Journal]. A Begin whose error
	// wraps [store.ErrFull] is of a call whose end is not wanted either.
	Begin(b *webhook.Begin) error
	End(ctx context.Context, x *webhook.Exchange, durable bool, meanwhile ...func()) error

	Traffic() *derive.Traffic
	Snapshot(ctx context.Context, key webhook.EntityKey) (webhook.Snapshot, error)

	// Caller returns the keyed hash of the credentials in h and in the query
	// parameters secret; nil if there are none.
	Caller(h http.Header, secret string) []byte

	// Expect says that the call of b is about to be forwarded though its begin could
	// not be journaled because of err: if the process dies before over is called, a
	// gap of the resource will cover it.
	Expect(b *webhook.Begin, resource string, err error) (over func())

	// Missed says that the call of b may have changed something and could not be
	// journaled because of err: a gap of the resource will cover it.
	Missed(b *webhook.Begin, resource string, err error)

	// Healthy reports whether the journal can write.
	Healthy() bool
}

// leaseLine returns the line, and the function that gives it back. A captured
// call holds a lease of its own: it may outlive the configuration that
// captured it.
type leaseLine func() (Line, func(), error)

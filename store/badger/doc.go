// Package badger keeps snapshots, events and deliveries in a directory, with
// github.com/dgraph-io/badger/v4. It implements [store.Store].
//
// # How it writes
//
// Badger syncs once per transaction, so one goroutine, the committer, merges
// the writes that gather while the previous transaction is synced into the
// next. All writes of a member are computed before the first of them reaches
// the transaction: one that fails leaves the others alone. What is too large
// for a transaction goes through a redo log (redo.go), and is as atomic.
//
// # How it is laid out
//
// The first byte of a key is its table; keys.go lists them. A record of one
// change is three keys: the snapshot, the event, and the exchange's list of its
// events, by which an event's id leads to it. A body is kept once, and named by
// what else shows it (stored.go); each event leads to the one before on its
// entity. Values over 512 KiB are cut into pieces (long.go). A delivery is one
// key, with its attempt if it has one. It is in a queue on disk only if it does not stay fresh
// (fresh.go); memory knows up to 16,384 fresh ones.
//
// # Guarantees
//
// Those of package store. Positions grow in commit order, across restarts too.
// Claims write nothing. Finding the next delivery never walks over deleted
// keys: each queue has a low-water mark in memory. Which exchanges are recorded
// is in memory too, as long as the journal has them (marks.go).
//
// # Not guaranteed
//
// The order of deliveries that share a lane and a position. That an event is
// forgotten at the moment its retention ends: [Store.Maintain] does a bounded
// slice at a time.
package badger

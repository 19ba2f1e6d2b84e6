// Package derive turns journaled exchanges into recorded events: it reads the
// journal, puts each exchange into one line, where it waits for the after-GET if
// one is on its way, asks the pure rules what changed, and has the store record
// it, in batches.
//
// # Guarantees
//
// Exchanges of one entity are recorded in the order of their ends in the
// journal. An open call holds nothing back. Every exchange that is read ends
// recorded, recorded as "nothing changed", as a gap, or in quarantine. A gap of
// calls that were not journaled stands behind everything that was.
//
// While the store cannot write, what is to be recorded next is tried again and
// again, and nothing overtakes it.
//
// # Not guaranteed
//
// Order between entities.
package derive

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
// What a process that died did not come to ask the API is asked by the next one,
// as the service: what became of calls in flight, the state after of calls that
// were answered without it, and entities that were to be refreshed. Where nobody
// may ask, what is known tells, or a gap.
//
// While the store cannot write, what is to be recorded next is tried again and
// again, and nothing overtakes it.
//
// # Not guaranteed
//
// Order between entities.
package derive

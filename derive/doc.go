// Package derive turns journaled exchanges into recorded events: it reads the
// journal, queues each exchange in the lanes of its entities, waits for the
// after-GET where one is on its way, asks the pure rules what changed, and has
// the store record it.
//
// # Guarantees
//
// Exchanges of one entity are recorded in the order of their ends in the
// journal. An open call holds nothing back. Every exchange that is read ends
// recorded, recorded as "nothing changed", as a gap, or in quarantine.
//
// # Not guaranteed
//
// Order between entities.
package derive

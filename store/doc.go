// Package store says what memory Sidehook needs, in small interfaces, and what
// each promises. The journal (package store/journal) keeps exchanges until
// their events are recorded; a [Store] (package store/badger) keeps snapshots,
// events and deliveries. store/storetest is the exam that every backend passes.
//
// # Guarantees
//
// What a method has returned without an error is durable: it survives kill -9
// and, with the exception that [Journal.Begin] states, power loss. [Recorder]
// commits all of an exchange's consequences or none, and never twice.
//
// # Not guaranteed
//
// One process owns a directory. Nothing in [Store] assumes one process, so that
// a shared backend can come; the journal stays local then.
package store

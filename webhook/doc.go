// Package webhook holds the nouns of Sidehook: plain values that every other
// package speaks in, with the few pure verbs that belong to them. It imports
// the standard library only, does no I/O and reads no clock but in
// [NewExchangeID].
//
// # Glossary
//
//   - api: one host application; a process may stand in front of several.
//   - exchange: one observed request and its response ([Exchange]).
//   - captured call: a call whose method and path a route names.
//   - journal: where exchanges are kept, durably and in order, until their
//     events are recorded.
//   - begin, end: the two journal entries of a captured call ([Begin], [Exchange]).
//   - lane: the queue of one entity's exchanges, or of one subscription's
//     deliveries for one entity.
//   - resource: a declared kind of thing.
//   - entity: one thing ([EntityKey]).
//   - snapshot: an entity as last seen ([Snapshot]).
//   - change: created, updated or deleted; before, after, and the fields that
//     differ ([Operation], [FieldChange]).
//   - scope: an event's name, such as project.status.updated ([Pattern]
//     matches them).
//   - event: one scope earned by one entity in one exchange ([Event]).
//   - gap: a recorded statement that something may have changed here and we
//     cannot tell what ([Gap]).
//   - subscription: who wants which scopes, where, and how ([Subscription]).
//   - delivery: one event, or one chunk of events, owed to one subscription ([Delivery]).
//   - chunk: events of one exchange, scope and resource that are sent together
//     ([Chunk]).
//   - attempt: one HTTP request made for a delivery, and its outcome ([Attempt]).
//   - receipt: an answer that says that something was done, and is not the
//     entity.
//   - payload: the shape of the body that a subscriber gets ([Payload]).
//
// # Guarantees
//
// When a client has received the end of a successful response to a captured
// call, that exchange is on disk. Every captured call that succeeded, or whose
// outcome is unknown, ends as events, as a recorded "nothing changed", or as a
// gap. An exchange is recorded once, ever. A recorded delivery is attempted
// until it is accepted or reaches another final state, with the same id on
// every attempt. Deliveries of one entity arrive in the order of its changes
// unless the subscription says `order none`.
//
// # Not guaranteed
//
// Exactly-once arrival: a receiver that accepts and whose answer is lost gets
// the delivery again, under the same id. Order between entities. Knowledge of
// writes that bypass the proxy.
package webhook

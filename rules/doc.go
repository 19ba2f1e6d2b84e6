// Package rules is the pure centre: exchange in, change and events out; which
// subscriptions want an event; what a payload says of it. It does no I/O,
// reads no clock and knows no Caddy: the same arguments always give the same
// result.
//
// What needs to know neither a configuration nor a call is in the packages below.
// Here a configuration becomes a [Program], whose [Match] says which route a call
// takes, whose [Plan] what the call is about, and which derives what it did.
//
// # Which file
//
// In the order in which a call comes by; compile* stands for all that begin so.
//
//   - What is written (config, duration), made ready (compile*, program).
//   - Which route a call takes, and what it says by itself (match, override,
//     singular, parent, tenant, vars, redact).
//   - What a call is about (plan, plan_one, plan_each), where the entity and its id
//     are (identify, answer, jsonapi, item, alias), and if they are many (bulk*,
//     written).
//   - Whether it was done, and whether the answer shows what (says_no, complains*, doubt,
//     receipt); who can say so without a plan or a GET (tells, tells_known, needless, repeat),
//     and when nobody can (giveup).
//   - The state before (before, trust, look).
//   - The state after: which way is tried first (ladder), the ways (after, compute*),
//     what a view leaves out (less, left, otherwise), which of two is later (race,
//     version, old), and whether a GET shows that the call was done (shows_done).
//   - What became of an entity (derive, subject, compare, deleted, alias_derive,
//     alias_moved, snapshot).
//   - What that earns (earn, event, called, change_vars, tenant_left), and where it
//     is not known what (gap).
//   - Entities that the call is not about (refresh, seed).
//   - How it came about, for people (account*).
//   - Who wants the events, for who calls this package (subscribers).
package rules

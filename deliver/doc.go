// Package deliver brings due deliveries to their subscribers: it claims them
// from a [Queue], lets a [Renderer] say what to send, signs and sends it, judges
// the answer and settles the result.
//
// # Guarantees
//
// A claimed delivery is settled or given back, never dropped; what was sent and
// could not be recorded is sent again under the same webhook-id. Deliveries of
// one lane are attempted one after the other, because the queue gives out the
// next only when the last is settled. A subscription that is not active, waits
// for a Retry-After or an open circuit, or cannot be compiled has nothing claimed. One subscription
// has at most its concurrency in flight, and subscriptions with something due
// take turns. Redirects are never followed, answers never read beyond
// 64 KiB nor decompressed, and no attempt outlives its timeout.
//
// # Not guaranteed
//
// Exactly-once arrival. Order between lanes.
//
// # What bounds the memory
//
// Attempts in flight ([Options].InFlight), attempts made and not yet recorded
// (twice that), deliveries claimed ahead (a few for each subscription).
package deliver

// Package rules is the pure centre: exchange in, change and events out; which
// subscriptions want an event; what a payload says of it. It does no I/O,
// reads no clock and knows no Caddy: the same arguments always give the same
// result.
package rules

// Package delivertest helps to test what delivers: a queue in memory, scripted
// receivers that are no network, and a renderer. With them and testing/synctest
// a schedule of days runs in milliseconds.
package delivertest

// Package hosts puts the built binary in front of real applications that
// nobody prepared for it, each with its recipe of examples/hosts, and compares
// the events that come of traffic with what the application itself says had
// changed: its realtime feed, its revisions, its database.
//
// It installs the applications, from the Go module proxy and npm, so it runs
// only where it is asked to: `make hosts`, or SIDEHOOK_HOSTS=all (or names with
// commas between) with `go test`. Each host is a file and a test.
package hosts

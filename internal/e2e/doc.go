// Package e2e tests the built binary from outside: real HTTP, a real API, real
// receivers, real signals. Set SIDEHOOK_BIN to test a binary that is built
// already; otherwise the tests build one.
package e2e

// Package exampletest plays an example: its API, the built Sidehook in front of
// it with the example's own Caddyfile, and a receiver for each subscription in
// it. A test makes a call and compares the webhooks that came of it with the
// product's own documentation.
package exampletest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is the environment variable that names the sidehook under test.
const binary = "SIDEHOOK_BIN"

// Main runs the tests of m against the sidehook that SIDEHOOK_BIN names; if it
// names none, one is built first.
func Main(m *testing.M) {
	if os.Getenv(binary) != "" {
		os.Exit(m.Run())
	}
	os.Exit(withBinary(m))
}

func withBinary(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sidehook-example-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "sidehook")
	build := exec.Command("go", "build", "-o", path, "github.com/sidehook/sidehook/cmd/sidehook")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build sidehook:", err)
		return 1
	}
	os.Setenv(binary, path)
	return m.Run()
}

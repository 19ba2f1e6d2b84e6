package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sidehook/sidehook/internal/proc"
)

// binary is the path of the sidehook under test; controls is that of one whose
// promises SIDEHOOK_CONTROL can break.
var binary, controls string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sidehook-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if binary = os.Getenv("SIDEHOOK_BIN"); binary == "" {
		binary = filepath.Join(dir, "sidehook")
		err = proc.Build(binary)
	}
	controls = filepath.Join(dir, "sidehook-controls")
	if err = errors.Join(err, proc.Build(controls, "-tags", "sidehook_controls")); err != nil {
		fmt.Fprintln(os.Stderr, "build sidehook:", err)
		return 1
	}
	return m.Run()
}

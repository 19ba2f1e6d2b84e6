package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is the path of the sidehook under test.
var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	binary = os.Getenv("SIDEHOOK_BIN")
	if binary == "" {
		dir, err := os.MkdirTemp("", "sidehook-e2e")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "sidehook")
		build := exec.Command("go", "build", "-o", binary, "github.com/sidehook/sidehook/cmd/sidehook")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "build sidehook:", err)
			return 1
		}
	}
	return m.Run()
}

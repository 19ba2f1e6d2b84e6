package hosts

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/internal/proc"
)

// binary is the path of the sidehook under test.
var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	binary = os.Getenv("SIDEHOOK_BIN")
	if binary == "" && len(wanted()) > 0 {
		dir, err := os.MkdirTemp("", "sidehook-hosts")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "sidehook")
		if err := proc.Build(binary); err != nil {
			fmt.Fprintln(os.Stderr, "build sidehook:", err)
			return 1
		}
	}
	return m.Run()
}

// known are the hosts, each the name of a folder of examples/hosts.
var known = []string{"json-server", "jsonapi", "loopback", "pocketbase", "pouchdb"}

// wanted returns the hosts that SIDEHOOK_HOSTS names.
func wanted() []string {
	names := strings.FieldsFunc(os.Getenv("SIDEHOOK_HOSTS"), func(r rune) bool { return r == ',' || r == ' ' })
	if slices.Contains(names, "all") {
		return known
	}
	return names
}

// only skips a test unless its host is wanted.
func only(t *testing.T, host string) {
	t.Helper()
	if !slices.Contains(wanted(), host) {
		t.Skipf("it installs %s; `make hosts` runs it, or SIDEHOOK_HOSTS=%s", host, host)
	}
}

// A name that is misspelt must not pass as a test that was run, nor a recipe
// without a test as one that works.
func TestEveryHostIsKnown(t *testing.T) {
	for _, name := range wanted() {
		if !slices.Contains(known, name) {
			t.Errorf("SIDEHOOK_HOSTS names %s; the hosts are %s", name, strings.Join(known, ", "))
		}
	}
	var recipes []string
	found, err := filepath.Glob("../../examples/hosts/*/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range found {
		recipes = append(recipes, filepath.Base(filepath.Dir(file)))
	}
	if !slices.Equal(recipes, known) {
		t.Errorf("examples/hosts has %v, and the tests know %v", recipes, known)
	}
}

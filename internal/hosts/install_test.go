package hosts

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// cache returns where installed applications are kept between runs, outside
// the tree: one folder for each version of each.
func cache(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatalf("find a place to install applications in (set XDG_CACHE_HOME): %v", err)
	}
	return filepath.Join(dir, "sidehook-hosts", name)
}

// installGo installs a program with `go install` and returns its path.
func installGo(t *testing.T, program, version string) string {
	t.Helper()
	name := filepath.Base(program)
	path := filepath.Join(cache(t, name+"@"+version), name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	cmd := exec.Command("go", "install", program+"@"+version)
	cmd.Env = append(os.Environ(), "GOBIN="+filepath.Dir(path))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go install %s@%s: %v; it wants the Go module proxy (go env GOPROXY), or a module cache that has it:\n%s",
			program, version, err, out)
	}
	return path
}

// installNPM installs what the lock file of a recipe pins, without running
// anybody's install scripts, and returns the folder with node_modules.
func installNPM(t *testing.T, recipe string) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is an application for Node: node (20 or later) and npm must be in PATH: %v", recipe, err)
		}
	}
	lock, err := os.ReadFile(filepath.Join("../../examples/hosts", recipe, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	dir := cache(t, recipe+"-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	fresh := dir + ".new" // renamed when it is complete
	if err := os.RemoveAll(fresh); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(fresh, os.DirFS(filepath.Join("../../examples/hosts", recipe))); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("npm", "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = fresh
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci for %s: %v; it wants the npm registry (npm config get registry), or a cache that has it:\n%s", recipe, err, out)
	}
	if err := os.Rename(fresh, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

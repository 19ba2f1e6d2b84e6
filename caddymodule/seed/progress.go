package seed

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/sidehook/sidehook/caddymodule/view"
)

// fileOf is where it is kept how far the crawl of a list has come.
func fileOf(dir, api, resource, path string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", api, resource, path))
	return filepath.Join(dir, "seeds", hex.EncodeToString(sum[:8])+".json")
}

// load reads how far the crawl has come. Another request, or again, begins anew.
func (s *seeder) load(resource string, q view.SeedRequest, again bool) error {
	text, err := os.ReadFile(s.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read how far the crawl has come: %w", err)
	}
	if err == nil && !again && json.Unmarshal(text, &s.state) == nil {
		s.state.Request.Pause = q.Pause
		if reflect.DeepEqual(s.state.Request, q) {
			return nil
		}
	}
	s.state = view.SeedState{Request: q, Resource: resource, Began: time.Now().UTC()}
	s.state.Next, s.state.Number = firstPage(&q)
	if q.Full != "auto" {
		s.state.Full = q.Full
	}
	return nil
}

// hashed returns header with hashes for values: they may prove who somebody is,
// and are never kept.
func hashed(header map[string]string) map[string]string {
	if len(header) == 0 {
		return nil
	}
	out := make(map[string]string, len(header))
	for name, value := range header {
		sum := sha256.Sum256([]byte(name + ": " + value))
		out[name] = hex.EncodeToString(sum[:8])
	}
	return out
}

// save keeps how far the crawl has come.
func (s *seeder) save() error {
	text, err := json.Marshal(&s.state)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.file), 0o700); err != nil {
		return fmt.Errorf("keep how far the crawl has come: %w", err)
	}
	fresh := s.file + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return fmt.Errorf("keep how far the crawl has come: %w", err)
	}
	if err := os.Rename(fresh, s.file); err != nil {
		return fmt.Errorf("keep how far the crawl has come: %w", err)
	}
	return nil
}

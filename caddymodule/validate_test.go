package caddymodule_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func TestValidateAndCheckWorkWhileAServerHoldsTheDirectory(t *testing.T) {
	setSecrets(t)
	dir := filepath.Join(t.TempDir(), "data")
	text := strings.Replace(`{
	admin off
	persist_config off
	auto_https off
	sidehook {
		store badger DIR
		subscription crm http://127.0.0.1:1/webhooks {
			scopes project.**
			secret {env.CRM_SECRET}
		}
	}
}

http://127.0.0.1:0 {
	sidehook {
		resource project /api/projects
	}
	respond 200
}
`, "DIR", dir, 1)
	adapted, err := adapt(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(adapted, true); err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := validate(adapted); err != nil {
		t.Errorf("validate: %v", err)
	}
	if _, err := check(t, text); err != nil {
		t.Errorf("check: %v", err)
	}
}

func TestValidateLeavesNoTrace(t *testing.T) {
	setSecrets(t)
	dir := filepath.Join(t.TempDir(), "data")
	config, err := adapt("{\n\tsidehook {\n\t\tstore badger " + dir + "\n\t}\n}\n\n" + projects)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(config) {
		t.Fatal("no JSON")
	}
	if err := validate(config); err != nil {
		t.Fatal(err)
	}
	if found, err := filepath.Glob(dir + "*"); err != nil || len(found) > 0 {
		t.Errorf("validate made %v (%v)", found, err)
	}
}

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever writes a first configuration, and errs, is told at the start where, and
// what to write.
func TestAStartSaysWhereAndWhatToWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	subscribed := func(lines string) string {
		return "\t\tsubscription crm https://crm.example.com/hooks {\n\t\t\t" + lines + "\n\t\t}"
	}
	good := caddyfile(subscribed("scopes project.**\n\t\t\tsign none"), projects, "http://localhost:1")
	for name, c := range map[string]struct{ text, want string }{
		"a scope":       {caddyfile(subscribed("scopes projct.**\n\t\t\tsign none"), projects, "http://localhost:1"), `subscription crm \(\S*Caddyfile:6\): no rule earns projct.\*\*: did you mean project.\*\*\?`},
		"a secret":      {caddyfile(subscribed("scopes project.**\n\t\t\tsecret {env.NOT_THERE}"), projects, "http://localhost:1"), `subscription crm \(\S*Caddyfile:6\): secret: {env.NOT_THERE}: the environment variable NOT_THERE is not set`},
		"a tenant":      {caddyfile(subscribed("scopes project.**\n\t\t\tsign none\n\t\t\ttenant acme"), projects, "http://localhost:1"), `subscription crm \(\S*Caddyfile:6\): tenant acme: nothing tells of which tenant its events are: write tenant`},
		"a service":     {strings.Replace(good, "resource project /api/projects", "resource project /api/projects\n\t\torigin http://localhost:1\n\t\tcredential Authorization {env.NOT_THERE}", 1), `sidehook handler of api default: credential Authorization: {env.NOT_THERE}: the environment variable NOT_THERE is not set, at \S*Caddyfile:17`},
		"a key":         {caddyfile("\t\tencryption_key {env.NOT_THERE}", projects, "http://localhost:1"), `encryption_key: {env.NOT_THERE}: the environment variable NOT_THERE is not set, at \S*Caddyfile:6`},
		"a short key":   {caddyfile("\t\tencryption_key short", projects, "http://localhost:1"), `encryption_key has 5 bytes: give at least 24, .*, at \S*Caddyfile:6`},
		"an authority":  {caddyfile("\t\tegress {\n\t\t\ttrusted_ca /none.pem\n\t\t}", projects, "http://localhost:1"), `egress: trusted_ca: {file./none.pem}: .*no such file or directory, at \S*Caddyfile:6`},
		"a directory":   {strings.Replace(good, "{DATA}", file, 1), `open ` + file + `: .*; write store badger DIRECTORY in sidehook of the global options`},
		"a place":       {strings.Replace(good, "resource project /api/projects", "resource project /api/projects\n\t\tretention 3d", 1), `retention\\?" does not stand in sidehook: it stands in sidehook of the global options, at \S*Caddyfile:1[0-9]`},
		"no subscriber": {strings.Replace(good, "resource project /api/projects", "resource task /api/tasks", 1), `subscription crm \(\S*Caddyfile:6\): no rule earns project.\*\*: these are earned: task.created`},
	} {
		t.Run(name, func(t *testing.T) {
			p := prepare(t, c.text)
			p.launch()
			until(t, "it ends", func() bool {
				select {
				case <-p.Ended():
					return true
				default:
					return false
				}
			})
			wantText(t, p.log.String(), c.want)
		})
	}
}

// What cannot be meant in the order of the handlers is in the log of a start and of a
// reload too, where nobody has asked `sidehook check`.
func TestAStartWarnsWhereNoCallComes(t *testing.T) {
	good := caddyfile("", projects, "http://localhost:1")
	behind := strings.Replace(good, "{SITE} {", "{SITE} {\n\troute {\n\t\treverse_proxy localhost:1\n", 1)
	behind = strings.Replace(behind, "\treverse_proxy http", "\t}\n\treverse_proxy http", 1)
	p := start(t, behind)
	said := "api default: no call comes to sidehook, for it stands behind reverse_proxy"
	until(t, "the start warns", func() bool { return strings.Contains(p.log.String(), said) })
	p.configure(strings.Replace(good, "\treverse_proxy http://localhost:1\n", "", 1))
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	until(t, "the reload warns", func() bool {
		return strings.Contains(p.log.String(), "api default: nothing behind sidehook answers calls")
	})
	if out, err := p.cli("check", "--config", p.config); err != nil || !strings.Contains(out, "NOTE: api default: nothing behind sidehook answers calls") {
		t.Errorf("check: %v: %s", err, out)
	}
}

package webhook_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

func TestASecretShowsNowhere(t *testing.T) {
	s := webhook.NewSecret("hunter2hunter2hunter2hunter2")
	coded, err := json.Marshal(map[string]any{"secret": s, "list": []webhook.Secret{s}})
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %q", s, s, s, s), s.LogValue().String(), string(coded)} {
		if strings.Contains(shown, "hunter") {
			t.Errorf("the secret shows in %s", shown)
		}
	}
}

func TestTheKeyOfAStandardSignature(t *testing.T) {
	raw := func(n int) string { return strings.Repeat("k", n) }
	coded := func(n int) string { return "whsec_" + base64.StdEncoding.EncodeToString([]byte(raw(n))) }
	for name, c := range map[string]struct {
		secret string
		want   string // "": an error
	}{
		"24 bytes":            {coded(24), raw(24)},
		"64 bytes":            {coded(64), raw(64)},
		"a text":              {raw(30), raw(30)},
		"23 bytes":            {coded(23), ""},
		"65 bytes":            {coded(65), ""},
		"a short text":        {raw(23), ""},
		"nothing":             {"", ""},
		"no base64 behind it": {"whsec_" + strings.Repeat("!", 32), ""},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := webhook.NewSecret(c.secret).StandardKey()
			if string(key) != c.want || (err == nil) != (c.want != "") {
				t.Errorf("got %q, %v; want %q", key, err, c.want)
			}
			if err != nil && c.secret != "" && strings.Contains(err.Error(), c.secret) {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

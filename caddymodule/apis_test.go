package caddymodule_test

import (
	"os"
	"regexp"
	"testing"
)

// TestTheLinesForAPIsAdapt holds that what docs/apis.md says to write can be written.
func TestTheLinesForAPIsAdapt(t *testing.T) {
	page, err := os.ReadFile("../docs/apis.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```caddy\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 5 {
		t.Fatalf("found %d blocks", len(blocks))
	}
	for _, block := range blocks {
		if _, err := adapt(":8080 {\nsidehook {\n" + block[1] + "}\nreverse_proxy localhost:3000\n}\n"); err != nil {
			t.Errorf("%v\n%s", err, block[1])
		}
	}
}

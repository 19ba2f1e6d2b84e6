package caddymodule

import (
	"io"
	"strings"
	"testing"
)

func TestCheckSaysHowItIsToldTheFile(t *testing.T) {
	cmd := checkCommand()
	cmd.SetArgs([]string{"Caddyfile.new"})
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), "--config Caddyfile.new") {
		t.Errorf("got %v", err)
	}
}

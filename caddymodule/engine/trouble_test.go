package engine

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/sidehook/sidehook/store"
)

// What to do about a directory that cannot be opened; nobody is told to move away a
// store that is not damaged.
func TestAdviceForADirectoryThatCannotBeOpened(t *testing.T) {
	tests := []struct {
		err  error
		says string
	}{
		{store.ErrUnfit, ""},
		{store.ErrFull, "free some room"},
		{fmt.Errorf("make it: %w", syscall.ENOSPC), "free some room"},
		{errSlow, "dmesg"},
		{fmt.Errorf("read it: %w", syscall.EIO), "dmesg"},
		{errors.New("cannot open 000001.mem: " + syscall.EMFILE.Error()), "ulimit"},
		{syscall.EFBIG, "ulimit"},
		{syscall.EACCES, "may make and write"},
		{errors.New("it is damaged: it is cut off"), "backup"},
	}
	for _, tt := range tests {
		got := advice("data", tt.err)
		if !strings.Contains(got, tt.says) || tt.says == "" && got != "" {
			t.Errorf("of %q: %q, want %q in it", tt.err, got, tt.says)
		}
		if loses := strings.Contains(got, "lost"); loses != (tt.says == "backup") {
			t.Errorf("of %q: %q", tt.err, got)
		}
	}
}

package engine

import (
	"log/slog"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A process that may open few files is warned of that, and told what to write.
func TestAStartWarnsOfFewFiles(t *testing.T) {
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil || was.Cur < fewFiles {
		t.Skip("it may open few files as it is:", was.Cur, err)
	}
	t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &was) })
	said := func() string {
		var out strings.Builder
		sayFiles(slog.New(slog.NewTextHandler(&out, nil)))
		return out.String()
	}
	if got := said(); got != "" {
		t.Error("it warns of", was.Cur, "files:", got)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: fewFiles - 1, Max: was.Max}); err != nil {
		t.Skip("the limit cannot be set:", err)
	}
	if got := said(); !strings.Contains(got, "LimitNOFILE=65536") || !strings.Contains(got, "may_open=4095") {
		t.Error("of 4095 files it says:", got)
	}
}

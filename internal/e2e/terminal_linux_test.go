package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal returns both ends of a pseudo-terminal.
func terminal(t *testing.T) (keeper, tty *os.File) {
	t.Helper()
	keeper, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keeper.Close() })
	var n int
	err = unix.IoctlSetPointerInt(int(keeper.Fd()), unix.TIOCSPTLCK, 0)
	if err == nil {
		n, err = unix.IoctlGetInt(int(keeper.Fd()), unix.TIOCGPTN)
	}
	if err == nil {
		tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return keeper, tty
}

// On a terminal a replay shows how far it is in one line, which is gone in the end; what
// is written elsewhere stays whole, as a table or as JSON.
func TestAReplayShowsHowFarItIsOnATerminal(t *testing.T) {
	const n = 20
	api := serve(t, itemAPI())
	crm := receive(t, bad)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.updated\n\t\t\tretry none"), "\t\tresource item /items", api.URL))
	exhaust(t, p, n)
	crm.respond(nil)
	keeper, tty := terminal(t)
	cmd := p.command("replay", "crm", "--since", "0", "--rate", "10", "--address", p.admin)
	var table, shown bytes.Buffer
	cmd.Stdout, cmd.Stderr = &table, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	io.Copy(&shown, keeper) // ends with the command: then nobody has the other end
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s%s", err, table.String(), shown.String())
	}
	if text := shown.String(); !strings.Contains(text, "\r\033[Kreplay rpl_") || !strings.Contains(text, " %, ") || !strings.HasSuffix(text, "\r\033[K") {
		t.Errorf("the terminal shows %q", text)
	}
	if far := regexp.MustCompile(`[1-9]\d* %, [1-9]\d* sent`); !far.Match(shown.Bytes()) {
		t.Errorf("the terminal does not show that it goes on: %q", shown.String())
	}
	if text := table.String(); !strings.HasPrefix(text, "REPLAY ") || !strings.Contains(text, "done") || strings.Contains(text, "\033") {
		t.Errorf("the table is %q", text)
	}
	var lines bytes.Buffer
	cmd = p.command("replay", "crm", "--since", "0", "--state", "delivered", "--rate", "10", "--address", p.admin)
	cmd.Stderr = &lines
	if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), "done") {
		t.Fatalf("%v: %s%s", err, out, lines.String())
	}
	if text := lines.String(); strings.Count(text, "\n") < 2 || strings.Contains(text, "\033") || !strings.Contains(text, " %, ") {
		t.Errorf("elsewhere it says %q, want a line each time that it is farther", text)
	}
	cmd = p.command("replays", "--json", "--address", p.admin)
	out, err := cmd.Output()
	if err != nil || !strings.HasPrefix(string(out), "{") || !strings.Contains(string(out), `"queued":20`) {
		t.Errorf("as JSON: %v: %s", err, out)
	}
}

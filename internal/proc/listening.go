package proc

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// Listening returns how many sockets listen on the port of a host:port, whatever
// the host. Where the system has no /proc/net it returns an error.
func Listening(address string) (n int, err error) {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("port of %s: %w", address, err)
	}
	suffix := fmt.Sprintf(":%04X", port)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		rows, err := os.ReadFile(table)
		if err != nil {
			return 0, err
		}
		for row := range strings.Lines(string(rows)) {
			if columns := strings.Fields(row); len(columns) > 3 && strings.HasSuffix(columns[1], suffix) && columns[3] == listen {
				n++
			}
		}
	}
	return n, nil
}

// listen is TCP_LISTEN, as /proc/net writes it (proc_net_tcp(5)).
const listen = "0A"

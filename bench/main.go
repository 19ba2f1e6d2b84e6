// Command bench measures Sidehook against plain Caddy, in one run and on one
// machine: the same binary with and without the directive, driven by its own
// load generator over keep-alive connections, in front of one small API, with
// one small sink behind it. What is compared is compared in alternating pairs,
// and the median of the pairs' ratios counts; a pair of plain against plain
// shows the noise. All processes run with the same pinned garbage collector:
// plain Caddy's heap is so small that it would collect dozens of times a
// second, and anything that holds memory would look faster than it is.
//
// Then it measures delivering: what other systems were measured by (compare), how
// fast a backlog drains (drain), what a million deliveries cost that a dead
// receiver does not take (million), and what a receiver that hangs does to the
// others (isolation).
//
// Environment: BENCH (names of the parts to run; all), BENCH_PAIRS (20),
// BENCH_SECONDS (1, of one half of a pair), BENCH_CONNS (32), BENCH_OUTSTANDING
// (128, events under way in the end-to-end parts), BENCH_STRICT (fail if a bar is not met), BENCH_PROFILES (a directory to
// write processor and heap profiles to, as go tool pprof reads them).
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings is what the environment says.
type settings struct {
	binary      string
	pairs       int
	window      time.Duration
	conns       int
	outstanding int
	strict      bool
	profiles    string
}

func main() {
	s := settings{
		binary:      "bin/sidehook",
		pairs:       int(number("BENCH_PAIRS", 20)),
		window:      time.Duration(number("BENCH_SECONDS", 1) * float64(time.Second)),
		conns:       int(number("BENCH_CONNS", 32)),
		outstanding: int(number("BENCH_OUTSTANDING", 128)),
		strict:      os.Getenv("BENCH_STRICT") != "",
		profiles:    os.Getenv("BENCH_PROFILES"),
	}
	if len(os.Args) > 1 {
		s.binary = os.Args[1]
	}
	debug.SetGCPercent(400)
	if err := run(s); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// number reads a positive number from the environment.
func number(name string, otherwise float64) float64 {
	if n, err := strconv.ParseFloat(os.Getenv(name), 64); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// parts are what can be measured, in their order; BENCH names some of them.
var parts = []struct {
	name string
	run  func(s settings, dir string, out *bars) error
}{
	{"proxy", proxy},
	{"compare", compare},
	{"drain", drain},
	{"million", million},
	{"isolation", isolation},
}

// run measures what is asked for, and prints as it goes.
func run(s settings) error {
	chosen, err := choose(os.Getenv("BENCH"))
	if err != nil {
		return err
	}
	// Not the system's folder for temporary files: that may be memory, and the
	// disk is half of what is measured.
	if err := os.MkdirAll("data", 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("data", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	out := &bars{Writer: os.Stdout}
	for _, part := range parts {
		if !chosen[part.name] {
			continue
		}
		if err := part.run(s, filepath.Join(dir, part.name), out); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if out.below > 0 && s.strict {
		return fmt.Errorf("%d bars are not met", out.below)
	}
	return nil
}

// choose reads names of parts, with blanks or commas between; none means all.
func choose(names string) (map[string]bool, error) {
	chosen, known := map[string]bool{}, make([]string, len(parts))
	asked := strings.FieldsFunc(names, func(r rune) bool { return r == ',' || r == ' ' })
	for i, part := range parts {
		known[i] = part.name
		chosen[part.name] = len(asked) == 0 || slices.Contains(asked, part.name)
	}
	for _, name := range asked {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("BENCH=%s: there is no %q; there are %s", names, name, strings.Join(known, ", "))
		}
	}
	return chosen, nil
}

// proxy compares the proxy with plain Caddy.
func proxy(s settings, dir string, out *bars) error {
	b, err := open(s, dir)
	if err != nil {
		return err
	}
	defer b.close()
	r := report{settings: s}
	for _, part := range []func(*bench, *report) error{
		(*bench).throughput, (*bench).oneConnection, (*bench).endToEnd, (*bench).memory, (*bench).profile,
	} {
		if err := part(b, &r); err != nil {
			return err
		}
	}
	r.fetches = b.api.fetches.Load()
	r.print(out)
	return nil
}

// Command bench measures Sidehook against plain Caddy, in one run and on one
// machine: the same binary with and without the directive, driven by its own
// load generator over keep-alive connections, in front of one small API, with
// one small sink behind it. What is compared is compared in alternating pairs,
// and the median of the pairs' ratios counts; a pair of plain against plain
// shows the noise. All processes run with the same pinned garbage collector:
// plain Caddy's heap is so small that it would collect dozens of times a
// second, and anything that holds memory would look faster than it is.
//
// Environment: BENCH_PAIRS (20), BENCH_SECONDS (1, of one half of a pair),
// BENCH_CONNS (32), BENCH_OUTSTANDING (128, events under way in the end-to-end
// part), BENCH_STRICT (fail if a bar is not met), BENCH_PROFILES (a directory to
// write processor and heap profiles to, as go tool pprof reads them).
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
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

// run measures everything and prints as it goes.
func run(s settings) error {
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
	below := r.print(os.Stdout)
	if below > 0 && s.strict {
		return fmt.Errorf("%d bars are not met", below)
	}
	return nil
}

// Command demo shows Sidehook at work: it starts the API of examples/crud, a
// Sidehook in front of it with the Caddyfile of the repository's root, and two
// receivers; plays [story] against it; prints each call and the webhooks that
// it caused; and exits 0 only if exactly the expected ones arrived. With -keep
// it plays nothing and leaves everything running.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	binary := flag.String("sidehook", "bin/sidehook", "the sidehook `binary` to run")
	config := flag.String("caddyfile", "Caddyfile", "the `Caddyfile` to run it with")
	keep := flag.Bool("keep", false, "leave everything running, to be played with by curl")
	flag.Parse()

	if err := run(*binary, *config, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		os.Exit(1)
	}
}

func run(binary, config string, keep bool) (err error) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)

	s, err := open(binary, config, keep)
	if err != nil {
		return err
	}
	defer func() {
		if closing := s.close(); err == nil {
			err = closing
		}
	}()
	if keep {
		s.hints(os.Stdout)
		select {
		case <-interrupted:
			return nil
		case <-s.proxy.Ended:
			return s.proxy.Crashed()
		}
	}
	played := make(chan error, 1)
	go func() { played <- play(s, os.Stdout) }()
	select {
	case err = <-played:
	case <-interrupted:
		err = fmt.Errorf("interrupted")
	case <-s.proxy.Ended:
		err = s.proxy.Crashed()
	}
	return err
}

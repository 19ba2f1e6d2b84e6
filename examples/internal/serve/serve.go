// Package serve runs the HTTP servers of the examples.
package serve

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Main serves handler on address until the process is interrupted. Its first
// line on standard output says where, which with port 0 only it knows.
func Main(name, address string, handler http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Printf("%s: listening on %s\n", name, listener.Addr())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	server, done := On(listener, handler)
	select {
	case <-stop:
		server.Close()
		<-done
		return nil
	case err := <-done:
		return err
	}
}

// On serves handler on listener until the server is closed. done then yields
// nil, or the error that ended it before.
func On(listener net.Listener, handler http.Handler) (server *http.Server, done <-chan error) {
	server = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() {
		err := server.Serve(listener)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		ended <- err
	}()
	return server, ended
}

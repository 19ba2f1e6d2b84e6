// Command crud serves the example API of package crud until it is interrupted.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/sidehook/sidehook/examples/crud"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:3000", "`address` to listen on; port 0 takes a free one, printed on the first line")
	latency := flag.Duration("latency", 0, "added to every call")
	noContent := flag.String("no-content", "", "comma separated `resources` whose updates answer 204 without the entity")
	flag.Parse()

	options := crud.Options{Latency: *latency}
	if *noContent != "" {
		options.NoContent = strings.Split(*noContent, ",")
	}
	if err := serve(*listen, crud.New(options)); err != nil {
		log.Fatal(err)
	}
}

func serve(address string, api http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Printf("crud: listening on %s\n", listener.Addr())
	server := &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stop
		server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Command crud serves the example API of package crud until it is interrupted.
package main

import (
	"flag"
	"log"
	"strings"

	"github.com/sidehook/sidehook/examples/crud"
	"github.com/sidehook/sidehook/examples/internal/serve"
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
	if err := serve.Main("crud", *listen, crud.New(options)); err != nil {
		log.Fatal(err)
	}
}

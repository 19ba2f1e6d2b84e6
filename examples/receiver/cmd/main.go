// Command receiver prints the webhooks that reach it, verified, until it is
// interrupted. Its secret comes from the environment: RECEIVER_SECRET.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/sidehook/sidehook/examples/internal/serve"
	"github.com/sidehook/sidehook/examples/receiver"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9001", "`address` to listen on; port 0 takes a free one, printed on the first line")
	name := flag.String("name", "receiver", "what its lines begin with")
	fail := flag.Int("fail", 0, "answer the first `n` webhooks with 503")
	flag.Parse()

	endpoint, err := receiver.New(os.Getenv("RECEIVER_SECRET"), func(a receiver.Arrival) {
		fmt.Printf("%s  %s %s\n", a.At.Format(time.TimeOnly), *name, a.Line())
	})
	if err != nil {
		log.Fatal(err)
	}
	endpoint.Fail(*fail)
	if err := serve.Main(*name, *listen, endpoint); err != nil {
		log.Fatal(err)
	}
}

// Command serve serves the API of one of the examples until it is interrupted:
//
//	go run ./examples/serve albi
package main

import (
	"flag"
	"fmt"
	"log"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/examples/accelo"
	"github.com/sidehook/sidehook/examples/albi"
	githubissues "github.com/sidehook/sidehook/examples/github-issues"
	"github.com/sidehook/sidehook/examples/internal/serve"
	leadspace "github.com/sidehook/sidehook/examples/lead-space"
	"github.com/sidehook/sidehook/examples/pipeliner"
	projectsde "github.com/sidehook/sidehook/examples/projects-de"
	shopifyorders "github.com/sidehook/sidehook/examples/shopify-orders"
	stripebilling "github.com/sidehook/sidehook/examples/stripe-billing"
)

// apis are the examples by their folder.
var apis = map[string]func() http.Handler{
	"accelo":         func() http.Handler { return accelo.New(nil) },
	"albi":           func() http.Handler { return albi.New(nil) },
	"pipeliner":      func() http.Handler { return pipeliner.New(nil) },
	"lead-space":     func() http.Handler { return leadspace.New(nil) },
	"projects-de":    func() http.Handler { return projectsde.New(nil) },
	"shopify-orders": func() http.Handler { return shopifyorders.New(nil) },
	"github-issues":  func() http.Handler { return githubissues.New(nil) },
	"stripe-billing": func() http.Handler { return stripebilling.New(nil) },
}

func main() {
	listen := flag.String("listen", "127.0.0.1:3000", "`address` to listen on; port 0 takes a free one, printed on the first line")
	flag.Usage = func() {
		fmt.Fprintf(os.Stderr, "usage: serve [-listen ADDRESS] %s\n", strings.Join(slices.Sorted(maps.Keys(apis)), "|"))
	}
	flag.Parse()
	api, ok := apis[flag.Arg(0)]
	if !ok || flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := serve.Main(flag.Arg(0), *listen, api()); err != nil {
		log.Fatal(err)
	}
}

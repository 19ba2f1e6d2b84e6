// Command sidehook is a Caddy with the Sidehook module in it. It takes Caddy's
// commands, and those of `caddy sidehook` by their own names: `sidehook check`.
package main

import (
	"os"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/sidehook/sidehook/caddymodule"
)

func main() {
	os.Args = caddymodule.Args(os.Args)
	caddycmd.Main()
}

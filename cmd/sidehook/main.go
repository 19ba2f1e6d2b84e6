// Command sidehook is a Caddy with the Sidehook module in it.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/sidehook/sidehook/caddymodule"
)

func main() { caddycmd.Main() }

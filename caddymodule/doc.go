// Package caddymodule is the rim: Caddy's modules in, our packages out.
package caddymodule

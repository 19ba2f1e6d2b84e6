// Package caddymodule is the rim: Caddy's modules in, our packages out.
package caddymodule

import _ "github.com/sidehook/sidehook/caddymodule/admin" // a module of Caddy's too

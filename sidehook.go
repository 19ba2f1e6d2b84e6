// Package sidehook gives a Caddy the Sidehook module:
//
//	xcaddy build --with github.com/sidehook/sidehook
//
// What it does is told in the README; package webhook has the glossary and the
// guarantees, package caddymodule the configuration.
package sidehook

import _ "github.com/sidehook/sidehook/caddymodule"

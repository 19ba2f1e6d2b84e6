// Package caddymodule is the rim: the Caddy modules [App], [Handler] and [API], what is
// written of them, and the commands that read a configuration. What they do is in the
// packages below.
//
// Each module has its fields in NAME_config.go, where their comments are the manual of its
// JSON, and its words in caddyfile_NAME.go (the API, which has few, beside its fields). A configuration comes into force in
// handler_provision.go and app.go: each handler compiles its rules, and the app hands all
// of them, with the subscriptions, to the engine of the data directory. `sidehook check`
// is check.go, with summary*.go for what it prints; notes*.go and grace.go are what it, and
// a start, warn of.
package caddymodule

import _ "github.com/sidehook/sidehook/caddymodule/admin" // a module of Caddy's too

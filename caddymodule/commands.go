package caddymodule

import (
	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/command"
)

// offline are the commands that read a configuration: they need the modules.
var offline = command.Offline{
	Commands:      []func() *cobra.Command{checkCommand, testCommand},
	Subscriptions: []func() *cobra.Command{forgetCommand},
}

func init() { command.Register(offline) }

// Args returns the arguments of a process with sidehook put in front of a
// command of ours, so that a binary called sidehook takes `sidehook check` for
// `caddy sidehook check`.
func Args(args []string) []string { return command.Args(args, offline) }

package caddymodule

import (
	"slices"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// commands are what `caddy sidehook` can do.
var commands = []func() *cobra.Command{
	checkCommand,
	testCommand,
	eventsCommand,
	deliveriesCommand,
	subscriptionsCommand,
	replayCommand,
	replaysCommand,
	eraseCommand,
	listenCommand,
	triggerCommand,
	verifyCommand,
	explainCommand,
	seedCommand,
	tailCommand,
	quarantineCommand,
}

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "sidehook",
		Usage: "<command>",
		Short: "Checks a Sidehook configuration, tries its rules, and shows what a running server did",
		CobraFunc: func(cmd *cobra.Command) {
			for _, command := range commands {
				cmd.AddCommand(withExitCodes(command()))
			}
		},
	})
}

// Args returns the arguments of a process with sidehook put in front of a
// command of ours, so that a binary called sidehook takes `sidehook check` for
// `caddy sidehook check`.
func Args(args []string) []string {
	if len(args) < 2 {
		return args
	}
	for _, command := range commands {
		if command().Name() == args[1] {
			return slices.Insert(slices.Clone(args), 1, "sidehook")
		}
	}
	return args
}

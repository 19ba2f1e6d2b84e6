// Package command is the command line, `caddy sidehook …`: clients of a running
// server's admin endpoint, and what needs no server. It knows what is shown (view),
// and nothing of what shows it; commands that read a configuration are handed to
// it by caddymodule.
//
// command.go lists the commands, and each has a file, but those that list or show things
// (show.go, one.go, table.go). They ask the server in ask.go; exit.go has the exit codes.
package command

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/words"
)

// online are the commands that ask a running server, or nobody.
var online = []func() *cobra.Command{
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

// Offline are the commands that read a configuration, each made by a function.
type Offline struct {
	Commands      []func() *cobra.Command // of sidehook itself
	Subscriptions []func() *cobra.Command // of sidehook subscriptions
}

// all makes the commands of sidehook, those of o in front.
func (o Offline) all() (all []*cobra.Command) {
	for _, command := range slices.Concat(o.Commands, online) {
		all = append(all, command())
	}
	for _, cmd := range all {
		if cmd.Name() != "subscriptions" {
			continue
		}
		for _, below := range o.Subscriptions {
			cmd.AddCommand(below())
		}
	}
	return all
}

// Register makes `caddy sidehook` known to Caddy, with offline among its commands.
func Register(offline Offline) {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "sidehook",
		Usage: "<command>",
		Short: "Checks a Sidehook configuration, tries its rules, and shows what a running server did",
		CobraFunc: func(cmd *cobra.Command) {
			for _, below := range offline.all() {
				cmd.AddCommand(withExitCodes(shortFirst(below)))
			}
			cmd.RunE, cmd.DisableFlagsInUseLine = noSuch, true
			cmd.FParseErrWhitelist.UnknownFlags = true // they are of the command that is misspelt
			cmd.SetHelpTemplate(helpTemplate)
			if strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") == "sidehook" {
				cmd.SetUsageTemplate(withoutCaddy.Replace(cmd.UsageTemplate()))
			}
		},
	})
}

// helpTemplate is cobra's own, with our documentation in place of Caddy's.
const helpTemplate = `{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}

{{end}}{{.UsageString}}
What each command answers, and what to do with it: https://github.com/sidehook/sidehook/blob/main/docs/operations.md#the-command-line
`

// withoutCaddy makes usages begin with sidehook, which is what a binary of that
// name is called by; see [Args].
var withoutCaddy = strings.NewReplacer("{{.UseLine}}", `{{slice .UseLine (len "caddy ")}}`, "{{.CommandPath}}", `{{slice .CommandPath (len "caddy ")}}`)

// shortFirst makes the help of cmd, and of what is below it, begin with what it
// does: cobra shows a long text in place of the short one.
func shortFirst(cmd *cobra.Command) *cobra.Command {
	if cmd.Long != "" {
		cmd.Long = cmd.Short + ".\n\n" + cmd.Long
	}
	for _, below := range cmd.Commands() {
		shortFirst(below)
	}
	return cmd
}

// Args returns the arguments of a process with sidehook put in front of a
// command of ours, so that a binary called sidehook takes `sidehook check` for
// `caddy sidehook check`.
func Args(args []string, offline Offline) []string {
	if len(args) < 2 {
		return args
	}
	var ours []string
	for _, cmd := range offline.all() {
		ours = append(ours, cmd.Name())
	}
	_, caddys := caddycmd.Commands()[args[1]]
	if slices.Contains(ours, args[1]) || !caddys && words.Nearest(args[1], ours) != "" { // of which noSuch tells
		return slices.Insert(slices.Clone(args), 1, "sidehook")
	}
	return args
}

package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/words"
)

// Arguments takes from least to most arguments; of others it says how the command is
// written.
func Arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		usage := strings.TrimSuffix(strings.TrimPrefix(cmd.UseLine(), "caddy sidehook "), " [flags]")
		switch {
		case len(args) > most:
			return fmt.Errorf("unexpected %q: write `%s`", args[most], usage)
		case len(args) < least:
			return fmt.Errorf("%s wants more: write `%s`", cmd.Name(), usage)
		}
		return nil
	}
}

// noSuch shows the help of cmd, below which all commands are; what names none of
// them is an error, so that a script with a command misspelt does not go on.
func noSuch(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	var known []string
	for _, below := range cmd.Commands() {
		known = append(known, below.Name())
	}
	if near := words.Nearest(args[0], known); near != "" {
		return fmt.Errorf("there is no command %s: did you mean %s?", args[0], near)
	}
	return fmt.Errorf("there is no command %s: there are %s", args[0], strings.Join(known, ", "))
}

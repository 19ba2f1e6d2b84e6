package command

import (
	"errors"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// Exit codes of the commands. Everything else that goes wrong is 1.
const (
	exitOK       = 0
	exitNoServer = 3 // nobody answers at the admin endpoint
)

// withExitCodes lets cmd and those below it end with the codes above.
func withExitCodes(cmd *cobra.Command) *cobra.Command {
	for _, below := range cmd.Commands() {
		withExitCodes(below)
	}
	run := cmd.RunE
	if run == nil {
		return cmd
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		code := exitOK
		if errors.Is(err, errNoServer) {
			code = exitNoServer
		}
		if coded, ok := errors.AsType[*codedError](err); ok {
			code = coded.code
		}
		if code == exitOK {
			return err
		}
		cmd.PrintErrln("Error:", err)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return code, nil })(cmd, args)
	}
	return cmd
}

// codedError is an error that a command ends with a code of its own for.
type codedError struct {
	code int
	error
}

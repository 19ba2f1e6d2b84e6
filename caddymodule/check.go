package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/settings"
)

// configFlags say which configuration a command reads.
type configFlags struct{ config, adapter string }

func (f *configFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.config, "config", "c", "", "configuration file (default: Caddyfile in this directory)")
	cmd.Flags().StringVarP(&f.adapter, "adapter", "a", "", "adapter of the configuration file (default: by its name)")
}

// checkCommand checks a configuration as a start would, and starts nothing.
func checkCommand() *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:   "check [--config FILE] [--adapter NAME]",
		Short: "Check a configuration whole, secrets included, without serving, and say who gets what",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("check %s: write check --config %[1]s", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := f.text()
			if err != nil {
				return err
			}
			app, s, err := checkJSON(text)
			if err != nil {
				return err
			}
			return summarize(cmd.OutOrStdout(), app, s)
		},
	}
	f.add(cmd)
	return cmd
}

// load adapts and provisions the configuration, with everything that a start
// would check. It opens no store and no listener.
func (f *configFlags) load() (*App, *settings.Set, error) {
	text, err := f.text()
	if err != nil {
		return nil, nil, err
	}
	return checkJSON(text)
}

// text is the configuration, adapted.
func (f *configFlags) text() ([]byte, error) {
	text, name, _, err := caddycmd.LoadConfig(f.config, f.adapter)
	if err != nil {
		return nil, err
	}
	if len(text) == 0 || name == "" {
		return nil, errors.New("no configuration: there is no Caddyfile in this directory; name one with --config")
	}
	return text, nil
}

// checkJSON is load for adapted configuration.
func checkJSON(text []byte) (*App, *settings.Set, error) {
	var c *caddy.Config
	if err := caddy.StrictUnmarshalJSON(caddy.RemoveMetaFields(text), &c); err != nil {
		return nil, nil, fmt.Errorf("read the configuration: %w", err)
	}
	if c.Logging == nil {
		c.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{
			caddy.DefaultLoggerName: {BaseLog: caddy.BaseLog{Level: "WARN"}},
		}}
	}
	ctx, err := caddy.ProvisionContext(c)
	if err != nil {
		return nil, nil, plainly(err)
	}
	loaded, err := ctx.App("sidehook")
	if err != nil {
		return nil, nil, err
	}
	app := loaded.(*App)
	s, err := app.check()
	return app, s, err
}

// summarize says what a configuration that is right does.
func summarize(w io.Writer, app *App, s *settings.Set) error {
	var out summary
	for _, h := range s.Handlers {
		if err := out.handler(h); err != nil {
			return err
		}
	}
	out.subscriptions(app, s)
	for _, note := range app.notes() {
		fmt.Fprintf(&out, "NOTE: %s\n", note)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// plainly cuts off an error by which of Caddy's modules it came.
func plainly(err error) error {
	text := err.Error()
	for _, ours := range []string{"provision http.handlers.sidehook: ", "provision http.handlers.sidehook_api: ", "provision sidehook: "} {
		if i := strings.LastIndex(text, ours); i >= 0 {
			text = text[i+len(ours):]
		}
	}
	return errors.New(text)
}

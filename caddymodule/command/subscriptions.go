package command

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// subscriptionCommands are what `subscriptions` can do beside listing and
// steering: they speak the subscription API.
func subscriptionCommands() []*cobra.Command {
	return []*cobra.Command{
		subscriptionCommand("show ID", "Show a subscription with its settings", http.MethodGet, ""),
		subscriptionCreateCommand(),
		subscriptionChangeCommand(),
		subscriptionCommand("delete ID", "Delete a subscription; what it is owed is cancelled", http.MethodDelete, ""),
		subscriptionCommand("test ID", "Send an example event to a subscription", http.MethodPost, "/test"),
		subscriptionRotateCommand(),
	}
}

// subscriptionCommand is one that makes a call about one subscription.
func subscriptionCommand(use, short, method, verb string) *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use: use, Short: short, Args: Arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.printCall(cmd.OutOrStdout(), method, "/subscriptions/"+url.PathEscape(args[0])+verb, nil)
		},
	}
	f.add(cmd)
	return cmd
}

// printCall makes a call of the API and prints its answer.
func (f *adminFlags) printCall(w io.Writer, method, path string, body any) error {
	var raw json.RawMessage
	if err := f.api(method, path, nil, body, &raw); err != nil {
		return err
	}
	if len(raw) == 0 {
		_, err := fmt.Fprintln(w, "done")
		return err
	}
	if f.json {
		return printJSON(w, raw)
	}
	return printPlain(w, raw)
}

// settingFlags are the settings of a subscription that have flags of their own.
type settingFlags struct {
	url, filter, payload, data string
	scopes                     []string
}

func (s *settingFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&s.url, "url", "", "where its webhooks go")
	fl.StringSliceVar(&s.scopes, "scope", nil, "patterns of the events that it gets, such as project.** (may be repeated)")
	fl.StringVar(&s.filter, "filter", "", "expression over the event")
	fl.StringVar(&s.payload, "payload", "", "standard, full, thin, cloudevents, cloudevents_binary, or one of the configuration")
	fl.StringVar(&s.data, "data", "", "further fields, a JSON object, or @FILE with one; - is standard input")
}

// body returns the fields that are given.
func (s *settingFlags) body(in io.Reader) (map[string]any, error) {
	body := map[string]any{}
	if s.data != "" {
		text := []byte(s.data)
		var err error
		switch name, isFile := strings.CutPrefix(s.data, "@"); {
		case s.data == "-":
			text, err = io.ReadAll(in)
		case isFile:
			text, err = os.ReadFile(name)
		}
		if err != nil {
			return nil, fmt.Errorf("read --data: %w", err)
		}
		if err := json.Unmarshal(text, &body); err != nil {
			return nil, fmt.Errorf(`--data is no JSON object, like {"rate": "5/s"}: %w`, err)
		}
	}
	for name, value := range map[string]string{"url": s.url, "filter": s.filter, "payload": s.payload} {
		if value != "" {
			body[name] = value
		}
	}
	if len(s.scopes) > 0 {
		body["scopes"] = s.scopes
	}
	return body, nil
}

func subscriptionCreateCommand() *cobra.Command {
	var f adminFlags
	var s settingFlags
	var owner, tenant string
	var private bool
	cmd := &cobra.Command{
		Use:   "create --url URL --scope PATTERN",
		Short: "Make a subscription; its secret is shown this once",
		Args:  Arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			body, err := s.body(cmd.InOrStdin())
			if err != nil {
				return err
			}
			for name, value := range map[string]string{"owner": owner, "tenant": tenant} {
				if value != "" {
					body[name] = value
				}
			}
			if private {
				body["allow_private"] = true
			}
			return f.printCall(cmd.OutOrStdout(), http.MethodPost, "/subscriptions", body)
		},
	}
	f.add(cmd)
	s.add(cmd)
	cmd.Flags().StringVar(&owner, "owner", "", "whose it is, as `owner` of sidehook_api tells")
	cmd.Flags().StringVar(&tenant, "tenant", "", "tenant whose events it gets; * is all")
	cmd.Flags().BoolVar(&private, "allow-private", false, "it may be at a private address, and at http://")
	return cmd
}

func subscriptionChangeCommand() *cobra.Command {
	var f adminFlags
	var s settingFlags
	cmd := &cobra.Command{
		Use:   "change ID",
		Short: "Change settings of a subscription; null in --data takes one out",
		Args:  Arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := s.body(cmd.InOrStdin())
			if err != nil {
				return err
			}
			if len(body) == 0 {
				return fmt.Errorf(`say what to change, like --url URL, or --data '{"rate": "5/s"}'`)
			}
			return f.printCall(cmd.OutOrStdout(), http.MethodPatch, "/subscriptions/"+url.PathEscape(args[0]), body)
		},
	}
	f.add(cmd)
	s.add(cmd)
	return cmd
}

func subscriptionRotateCommand() *cobra.Command {
	var f adminFlags
	var grace string
	cmd := &cobra.Command{
		Use:   "rotate ID",
		Short: "Replace the secret of a subscription; the new one is shown this once",
		Args:  Arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := map[string]any{}
			if grace != "" {
				body["grace"] = grace
			}
			return f.printCall(cmd.OutOrStdout(), http.MethodPost, "/subscriptions/"+url.PathEscape(args[0])+"/rotate", body)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&grace, "grace", "", "how long the old one signs too: 0s to 7d (default: 24h)")
	return cmd
}

package command

import (
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
)

// quarantineCommand lists exchanges whose rules failed, and takes them out.
func quarantineCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use:   "quarantine [derive|drop EXCHANGE]",
		Short: "List the exchanges whose rules failed; derive one by the current rules, or drop it for a gap",
		Args:  Arguments(0, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				var all []view.Quarantined
				if err := f.ask(http.MethodGet, "/sidehook/quarantine", nil, nil, &all); err != nil {
					return err
				}
				return printQuarantine(cmd.OutOrStdout(), all, f.json)
			case 2:
				var one view.Quarantined
				path := "/sidehook/quarantine/" + url.PathEscape(args[1]) + "/" + url.PathEscape(args[0])
				if err := f.ask(http.MethodPost, path, nil, nil, &one); err != nil {
					return err
				}
				return printQuarantine(cmd.OutOrStdout(), []view.Quarantined{one}, f.json)
			}
			return fmt.Errorf("write `quarantine`, or `quarantine derive EXCHANGE` (or drop)")
		},
	}
	f.add(cmd)
	return cmd
}

func printQuarantine(w io.Writer, all []view.Quarantined, asJSON bool) error {
	return printList(w, all, asJSON, []any{"EXCHANGE", "SINCE", "CALL", "WHY"}, func(q *view.Quarantined) []any {
		return []any{q.Exchange, words.Clock(q.At), q.Method + " " + q.Path, q.Why}
	})
}

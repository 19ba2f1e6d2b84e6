package command

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
)

// eraseCommand erases an entity.
func eraseCommand() *cobra.Command {
	var f adminFlags
	var in view.Erasure
	var yes bool
	cmd := &cobra.Command{
		Use:   "erase RESOURCE/ID --yes",
		Short: "Erase an entity: its events, what is owed of them, and its last known state",
		Long: `Nothing of it can be read afterwards, and it leaves the files of the data directory
within minutes. What is left is the number of its last change (sequence), so that
what comes later is not taken for old. What a rule relates to events of others as
this entity goes out of them too. What receivers got stays with them, and so does
what other entities' own states quote of it.`,
		Args: Arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var ok bool
			if in.Resource, in.Entity, ok = strings.Cut(args[0], "/"); !ok || in.Entity == "" {
				return fmt.Errorf("%q: write RESOURCE/ID, like project/17", args[0])
			}
			if !yes {
				return fmt.Errorf("this cannot be undone: write `erase %s --yes`; `events --entity %s` shows what would go", args[0], args[0])
			}
			var v view.Erased
			if err := f.api(http.MethodPost, "/erasures", nil, in, &v); err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), v)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "erased %s, %s, %s (%d not sent yet)\n", words.Counted(v.Entities, "entity", "entities"),
				words.Counted(v.Events, "event", "events"), words.Counted(v.Deliveries, "delivery", "deliveries"), v.Owed)
			if v.Copies > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "its copy is out of %s of others, to which it is related\n", words.Counted(v.Copies, "event", "events"))
			}
			if v.Quarantined > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s may be about it: see `quarantine`\n", words.Counted(v.Quarantined, "quarantined call", "quarantined calls"))
			}
			if !v.Complete {
				return fmt.Errorf("calls that may be about it are still being recorded: erase it again")
			}
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&in.API, "api", "", "the api that has it (default: any)")
	cmd.Flags().StringVar(&in.Tenant, "tenant", "", "the tenant that has it (default: any)")
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	return cmd
}

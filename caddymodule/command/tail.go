package command

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/view"
)

// tailCommand prints events as they are recorded.
func tailCommand() *cobra.Command {
	t := tail{}
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Print events of the running server as they are recorded",
		Long:  "It goes on when the server is restarted, where it was.",
		Args:  Arguments(0, 0),
		RunE:  t.run,
	}
	t.add(cmd)
	cmd.Flags().StringSliceVar(&t.scopes, "scope", nil, "only scopes that match, such as project.** (may be repeated)")
	return cmd
}

// tail is the command tail at work.
type tail struct {
	adminFlags
	presence
	scopes []string
	after  uint64 // position of the last event that was shown, or need not be
	titled bool
}

func (t *tail) run(cmd *cobra.Command, _ []string) error {
	var newest []view.Event // of any scope
	if err := t.ask(http.MethodGet, "/sidehook/events", url.Values{"max": {"1"}}, nil, &newest); err != nil {
		return err
	}
	if len(newest) > 0 {
		t.after = newest[0].Position
	}
	t.hint(cmd.ErrOrStderr(), t.scopes)
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := t.next(cmd); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-cmd.Context().Done():
			return nil
		}
	}
}

// next prints what is new. That there is no server is no error here: it may be
// starting again.
func (t *tail) next(cmd *cobra.Command) error {
	var events []view.Event
	q := url.Values{"scope": t.scopes, "after": {fmt.Sprint(t.after)}, "max": {"1000"}}
	err := t.ask(http.MethodGet, "/sidehook/events", q, nil, &events)
	if isAway(err) {
		t.gone(cmd, err)
		return nil
	}
	if err != nil {
		return err
	}
	t.back(cmd)
	if len(events) == 0 {
		return nil
	}
	t.after = events[len(events)-1].Position
	header := !t.titled
	t.titled = true
	return printEvents(cmd.OutOrStdout(), events, t.json, header)
}

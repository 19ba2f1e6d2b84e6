package command

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/webhook"
)

// replayCommand sends recorded events of a subscription again.
func replayCommand() *cobra.Command {
	c := &replayFlags{}
	cmd := &cobra.Command{
		Use:   "replay SUBSCRIPTION --since WHEN",
		Short: "Send recorded events to a subscription again, slowly and behind all else",
		Long: `The running server sends them: the same events, with the same webhook-id, at --rate
and after all that is live. It goes on when this command is interrupted, and when
the server is restarted; 'replays' shows it, 'replays cancel ID' ends it.

WHEN is a time (2026-11-22T08:00:00Z, 2026-11-22 08:00), how long ago (90m, 2h, 3d),
or a position; 0 is all there is.

--state says what is sent again, by the state of its delivery: exhausted, dead and
expired, if nothing is said. 'missed' are events of which there is no delivery, and
that the subscription would get if they were recorded now.`,
		Args: Arguments(1, 1),
		RunE: c.run,
	}
	c.add(cmd)
	fl := cmd.Flags()
	fl.StringVar(&c.since, "since", "", "from when on events were recorded (required)")
	fl.StringVar(&c.until, "until", "", "until when (default: now)")
	fl.StringSliceVar(&c.scopes, "scope", nil, "only scopes that match, such as project.** (may be repeated)")
	fl.StringSliceVar(&c.states, "state", nil, "what is sent again: "+strings.Join(words.Texts(finalStates()), ", ")+", missed (may be repeated)")
	fl.Float64Var(&c.rate, "rate", view.DefaultReplayRate, "how many are sent in a second at most")
	fl.BoolVar(&c.dry, "dry-run", false, "only count them")
	fl.BoolVar(&c.detach, "detach", false, "do not wait for its end")
	return cmd
}

// finalStates are what can be sent again.
func finalStates() (all []webhook.DeliveryState) {
	for _, s := range webhook.DeliveryStates() {
		if s.Final() {
			all = append(all, s)
		}
	}
	return all
}

type replayFlags struct {
	adminFlags
	since, until   string
	scopes, states []string
	rate           float64
	dry, detach    bool
}

func (c *replayFlags) run(cmd *cobra.Command, args []string) error {
	if c.since == "" {
		return fmt.Errorf("write --since, like --since 2h or --since 2026-11-22T08:00:00Z; --since 0 is all there is")
	}
	now := time.Now()
	body := map[string]any{"subscription": args[0], "since": timeFlag(c.since, now), "rate": c.rate}
	if c.until != "" {
		body["until"] = timeFlag(c.until, now)
	}
	if len(c.scopes) > 0 {
		body["scopes"] = c.scopes
	}
	if len(c.states) > 0 {
		body["states"] = c.states
	}
	out := cmd.OutOrStdout()
	if c.dry {
		return c.count(out, body)
	}
	var v view.Replay
	if err := c.api(http.MethodPost, "/replays", nil, body, &v); err != nil {
		return err
	}
	if c.detach {
		return printReplays(out, []view.Replay{v}, c.json)
	}
	return c.follow(cmd, v)
}

// count says what would be sent.
func (c *replayFlags) count(out io.Writer, body map[string]any) error {
	var answer view.ReplayCount
	if err := c.api(http.MethodPost, "/replays/count", nil, body, &answer); err != nil {
		return err
	}
	if c.json {
		return printJSON(out, answer)
	}
	least := ""
	if !answer.Complete {
		least = "at least "
	}
	_, err := fmt.Fprintf(out, "%s%s would be sent again, of positions %d to %d; at %g/s that takes %s\n", least,
		words.Counted(answer.Deliveries, "delivery", "deliveries"), answer.From, answer.Below-1, c.rate,
		time.Duration(float64(answer.Deliveries)/c.rate*float64(time.Second)).Round(time.Second))
	return err
}

// follow shows how far a replay is until it ends.
func (c *replayFlags) follow(cmd *cobra.Command, v view.Replay) error {
	out, errs := cmd.OutOrStdout(), cmd.ErrOrStderr()
	live := onTerminal(errs)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	last := ""
	for v.Status == webhook.ReplayRunning {
		text := progressText(&v)
		switch {
		case live:
			fmt.Fprintf(errs, "\r\033[K%s", text)
		case text != last && !c.json:
			fmt.Fprintln(errs, text)
		}
		last = text
		select {
		case <-tick.C:
		case <-cmd.Context().Done():
			return nil
		}
		if err := c.api(http.MethodGet, "/replays/"+url.PathEscape(string(v.ID)), nil, nil, &v); err != nil {
			return fmt.Errorf("replay %s goes on without this command, but: %w", v.ID, err)
		}
	}
	if live {
		fmt.Fprint(errs, "\r\033[K")
	}
	return printReplays(out, []view.Replay{v}, c.json)
}

func progressText(v *view.Replay) string {
	text := fmt.Sprintf("replay %s: %3.0f %%, %d sent", v.ID, 100*v.Progress, v.Queued-uint64(v.Owed))
	if v.Owed > 0 {
		text += fmt.Sprintf(", %d under way or to be retried", v.Owed)
	}
	if v.Waits != "" {
		text += "; it waits: " + v.Waits
	}
	return text
}

// replaysCommand lists replays, shows one, or cancels one.
func replaysCommand() *cobra.Command {
	var f adminFlags
	var subscription string
	cmd := &cobra.Command{
		Use:   "replays [ID | cancel ID]",
		Short: "List the replays of the running server, show one, or cancel one",
		Args:  Arguments(0, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var v view.Replay
			path := "/replays/" + url.PathEscape(strings.Join(args[max(0, len(args)-1):], ""))
			switch {
			case len(args) == 0:
				return f.listReplays(cmd.OutOrStdout(), subscription)
			case len(args) == 1:
				if err := f.api(http.MethodGet, path, nil, nil, &v); err != nil {
					return err
				}
			case args[0] == "cancel":
				if err := f.api(http.MethodPost, path+"/cancel", nil, nil, &v); err != nil {
					return err
				}
			default:
				return fmt.Errorf("write `replays`, `replays ID`, or `replays cancel ID`")
			}
			return printReplays(cmd.OutOrStdout(), []view.Replay{v}, f.json)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&subscription, "subscription", "", "only those of one subscription")
	return cmd
}

func (f *adminFlags) listReplays(out io.Writer, subscription string) error {
	q := url.Values{}
	if subscription != "" {
		q.Set("subscription", subscription)
	}
	raw, err := f.all("/replays", q, view.MostReplays)
	if err != nil {
		return err
	}
	views := make([]view.Replay, len(raw))
	for i := range raw {
		if err := json.Unmarshal(raw[i], &views[i]); err != nil {
			return err
		}
	}
	return printReplays(out, views, f.json)
}

func printReplays(w io.Writer, all []view.Replay, asJSON bool) error {
	columns := []any{"REPLAY", "SUBSCRIPTION", "STATUS", "DONE", "SENT", "OWED", "SINCE", "ENDED", "WHY"}
	return printList(w, all, asJSON, columns, func(r *view.Replay) []any {
		return []any{r.ID, r.Subscription, r.Status, fmt.Sprintf("%.0f %%", 100*r.Progress),
			r.Queued - uint64(r.Owed), r.Owed, words.Clock(r.Created), words.Clock(r.Ended), r.Waits + r.Reason}
	})
}

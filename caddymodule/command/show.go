package command

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/view"
)

// adminFlags are the flags of every command that asks the running server.
type adminFlags struct {
	address string
	config  string
	json    bool
}

func (f *adminFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.address, "address", "", "address of Caddy's admin endpoint (default: from --config, else localhost:2019)")
	cmd.Flags().StringVarP(&f.config, "config", "c", "", "configuration file that names the admin endpoint")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON, one value a line")
}

// eventsCommand lists events, or shows one with its deliveries.
func eventsCommand() *cobra.Command {
	var f adminFlags
	var scopes []string
	var entity, exchange string
	var max int
	cmd := &cobra.Command{
		Use:   "events [event id]",
		Short: "List the newest events of the running server, or show one with its deliveries",
		Args:  Arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return f.showEvent(cmd.OutOrStdout(), args[0])
			}
			q := url.Values{"scope": scopes, "max": {fmt.Sprint(max)}}
			if exchange != "" {
				q.Set("exchange", exchange)
			}
			if resource, id, ok := strings.Cut(entity, "/"); ok {
				q.Set("resource", resource)
				q.Set("id", id)
			} else if entity != "" {
				q.Set("resource", entity)
			}
			var events []view.Event
			if err := f.ask(http.MethodGet, "/sidehook/events", q, nil, &events); err != nil {
				return err
			}
			if len(events) == 0 {
				f.hint(cmd.ErrOrStderr(), scopes)
				if entity != "" && !strings.Contains(entity, "/") {
					fmt.Fprintf(cmd.ErrOrStderr(), "hint: --entity %s means the resource of that name; one entity is RESOURCE/ID, like project/17\n", entity)
				}
			}
			return printEvents(cmd.OutOrStdout(), events, f.json, true)
		},
	}
	f.add(cmd)
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "only scopes that match, such as project.** (may be repeated)")
	cmd.Flags().StringVar(&entity, "entity", "", "only events of a resource (project) or of one entity (project/17)")
	cmd.Flags().StringVar(&exchange, "exchange", "", "only events of one exchange (exc_…)")
	cmd.Flags().IntVarP(&max, "max", "n", 20, "how many, at most 1000")
	return cmd
}

// deliveriesCommand lists deliveries, or shows one with its attempts.
func deliveriesCommand() *cobra.Command {
	var f adminFlags
	var subscription, event, state string
	var max int
	cmd := &cobra.Command{
		Use:   "deliveries [delivery id | retry delivery id]",
		Short: "List the newest deliveries of the running server, show one with its attempts, or retry one",
		Args:  Arguments(0, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				return retryDelivery(cmd.OutOrStdout(), &f, args)
			}
			if len(args) == 1 {
				return f.showDelivery(cmd.OutOrStdout(), args[0])
			}
			var ds []view.Delivery
			q := url.Values{"subscription": {subscription}, "event": {event}, "state": {state}, "max": {fmt.Sprint(max)}}
			if err := f.ask(http.MethodGet, "/sidehook/deliveries", q, nil, &ds); err != nil {
				return err
			}
			return printDeliveries(cmd.OutOrStdout(), ds, f.json)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&subscription, "subscription", "", "only those of one subscription")
	cmd.Flags().StringVar(&event, "event", "", "only those of one event (evt_…)")
	cmd.Flags().StringVar(&state, "state", "", "only those in a state: pending, held, delivered, refused, exhausted, dead, cancelled, expired, not_visible")
	cmd.Flags().IntVarP(&max, "max", "n", 20, "how many, at most 1000")
	return cmd
}

// retryDelivery makes a delivery that is final or held pending again.
func retryDelivery(w io.Writer, f *adminFlags, args []string) error {
	if args[0] != "retry" {
		return fmt.Errorf("write `deliveries`, `deliveries ID`, or `deliveries retry ID`")
	}
	var d view.Delivery
	if err := f.ask(http.MethodPost, "/sidehook/deliveries/"+url.PathEscape(args[1])+"/retry", nil, nil, &d); err != nil {
		return err
	}
	return printDeliveries(w, []view.Delivery{d}, f.json)
}

// steering are what `subscriptions` does to one that is not shown or changed by it.
var steering = []string{"pause", "resume", "release"}

// subscriptionsCommand lists the subscriptions, or pauses, resumes or releases
// one.
func subscriptionsCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use:       "subscriptions [list | pause|resume|release NAME]",
		Short:     "List the subscriptions of the running server with what they are owed, or steer or change one",
		ValidArgs: append([]string{"list"}, steering...),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "list" {
				args = nil
			}
			switch {
			case len(args) == 0:
				var subs []view.Subscription
				if err := f.ask(http.MethodGet, "/sidehook/subscriptions", nil, nil, &subs); err != nil {
					return err
				}
				return printSubscriptions(cmd.OutOrStdout(), subs, f.json)
			case len(args) == 2 && slices.Contains(steering, args[0]):
				var s view.Subscription
				path := "/sidehook/subscriptions/" + url.PathEscape(args[1]) + "/" + url.PathEscape(args[0])
				if err := f.ask(http.MethodPost, path, nil, nil, &s); err != nil {
					return err
				}
				return printSubscriptions(cmd.OutOrStdout(), []view.Subscription{s}, f.json)
			}
			return fmt.Errorf("write `subscriptions`, or `subscriptions pause NAME` (or resume, release, show, create, change, delete, test, rotate)")
		},
	}
	f.add(cmd)
	cmd.AddCommand(subscriptionCommands()...)
	return cmd
}

package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/webhook"
)

// triggerCommand sends an example event to a subscription.
func triggerCommand() *cobra.Command {
	var f adminFlags
	var in view.Trigger
	var subscription, file string
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "trigger SCOPE --subscription NAME",
		Short: "Send an example event to a subscription, through the real line",
		Long: `The running server records it and delivers it as every other event, to this
subscription alone, of the configuration or made through the API. It looks like
the newest event of that scope that the subscription may see, and is of the same
tenant; else like what is known of such events. Its entity is called example.`,
		Args: Arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Scope, in.Subscription = args[0], webhook.SubscriptionID(subscription)
			if subscription == "" {
				return errors.New("write --subscription: the one to send it to; `subscriptions` lists them")
			}
			if file != "" {
				data, err := os.ReadFile(file)
				if err != nil {
					return fmt.Errorf("read the data: %w", err)
				}
				if in.Data = data; !json.Valid(data) {
					return fmt.Errorf("--data %s: it is no JSON", file)
				}
			}
			var sent view.Sent
			if err := f.ask(http.MethodPost, "/sidehook/trigger", nil, in, &sent); err != nil {
				return err
			}
			d, err := f.awaitDelivery(cmd, string(sent.Delivery), wait)
			if err != nil {
				return err
			}
			return printDeliveries(cmd.OutOrStdout(), []view.Delivery{d}, f.json)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&subscription, "subscription", "", "the one to send it to (required)")
	cmd.Flags().StringVar(&file, "data", "", "file with the entity that it shows, JSON")
	cmd.Flags().DurationVar(&wait, "wait", 10*time.Second, "how long to wait for the first attempt")
	return cmd
}

// awaitDelivery waits until a delivery was attempted, or for a time, and returns
// how it stands.
func (f *adminFlags) awaitDelivery(cmd *cobra.Command, id string, wait time.Duration) (d view.Delivery, err error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(wait); ; {
		d = view.Delivery{}
		err = f.ask(http.MethodGet, "/sidehook/deliveries/"+url.PathEscape(id), nil, nil, &d)
		if err != nil || d.Attempts > 0 || d.State.Final() || time.Now().After(end) {
			d.Made = nil
			return d, err
		}
		select {
		case <-tick.C:
		case <-cmd.Context().Done():
			return d, nil
		}
	}
}

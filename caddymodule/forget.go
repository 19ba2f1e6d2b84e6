package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/command"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
)

// forgetCommand deletes the subscriptions that no key opens, for who has lost one:
// a start is refused as long as they are there.
func forgetCommand() *cobra.Command {
	var f configFlags
	var yes bool
	cmd := &cobra.Command{
		Use:   "forget [--config FILE] --yes",
		Short: "Delete the subscriptions made through the API that no encryption_key opens; for who has lost the key",
		Long: `The server must be stopped: this works on its data directory. Subscriptions that a key
of the configuration opens stay, and so do events, last known states, and what is owed
to others. What the deleted ones are owed is cancelled by the next start.`,
		Args: command.Arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, _, err := f.load()
			if err != nil {
				return err
			}
			return app.forgetUnreadable(cmd.Context(), cmd.OutOrStdout(), yes)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	return cmd
}

// forgetUnreadable deletes what no key of a opens, or, without yes, says what that is.
func (a *App) forgetUnreadable(ctx context.Context, w io.Writer, yes bool) (err error) {
	s, err := badger.Open(badger.Options{Dir: filepath.Join(a.dir(), "store"), Logger: a.run.logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	all, err := s.AllKept(ctx)
	if err != nil {
		return err
	}
	lost := make([]store.Kept, 0, len(all))
	for _, k := range all {
		if k.Deleted.IsZero() {
			if _, _, err := a.run.sealer.Open(k.ID, k.Body); err != nil {
				fmt.Fprintf(w, "%s of owner %q, tenant %q, made %s: %s\n", k.ID, k.Owner, k.Tenant, words.Clock(k.Created), err)
				lost = append(lost, k)
			}
		}
	}
	switch {
	case len(lost) == 0:
		fmt.Fprintln(w, "the keys open all subscriptions: nothing is deleted")
		return nil
	case !yes:
		return fmt.Errorf("%s would be deleted, which cannot be undone: is the key really lost? Then write --yes", words.Counted(len(lost), "subscription", "subscriptions"))
	}
	for _, k := range lost {
		k.Body, k.Deleted = nil, time.Now().UTC()
		k.Revision++
		if err := s.PutKept(ctx, k, nil); err != nil {
			return fmt.Errorf("delete subscription %s: %w", k.ID, err)
		}
	}
	fmt.Fprintf(w, "deleted %s\n", words.Counted(len(lost), "subscription", "subscriptions"))
	return nil
}

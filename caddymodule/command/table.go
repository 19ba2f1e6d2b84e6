package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/webhook"
)

// printJSON prints v compactly on a line.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printEach prints each of all on a line.
func printEach[T any](w io.Writer, all []T) error {
	for i := range all {
		if err := printJSON(w, &all[i]); err != nil {
			return err
		}
	}
	return nil
}

func printEvents(w io.Writer, events []view.Event, asJSON, header bool) error {
	if asJSON {
		return printEach(w, events)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if header {
		fmt.Fprintln(t, "POSITION\tTIME\tSCOPE\tENTITY\t#\tTENANT\tEVENT\tWHAT CHANGED")
	}
	for i := range events {
		e := &events[i]
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", e.Position, words.Clock(e.Time), e.Scope, e.Entity.String(), e.Sequence, tenantText(e), e.ID, changeText(e))
	}
	return t.Flush()
}

// tenantText is whose an event is.
func tenantText(e *view.Event) string {
	switch {
	case e.Tenant != "":
		return e.Tenant
	case e.Unowned:
		return "not known"
	}
	return "–"
}

// changeText tells in a few words what an event is about.
func changeText(e *view.Event) string {
	if e.Gap != nil {
		return e.Gap.Reason + ": " + e.Gap.Detail
	}
	var parts []string
	for i, c := range e.Changes {
		if i == 3 {
			parts = append(parts, fmt.Sprintf("and %d more", len(e.Changes)-i))
			break
		}
		parts = append(parts, c.Path+": "+abbreviate(c.Old)+" → "+abbreviate(c.New))
	}
	if len(parts) == 0 && len(e.Provenance.Unknown) > 0 {
		unknown := e.Provenance.Unknown
		return "not known whether " + strings.Join(unknown[:min(len(unknown), 3)], ", ")
	}
	return strings.Join(parts, ", ")
}

// abbreviate cuts a JSON value to what fits a line.
func abbreviate(raw json.RawMessage) string {
	const most = 32
	text := string(raw)
	if raw == nil {
		text = "–"
	}
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	return text
}

func printDeliveries(w io.Writer, ds []view.Delivery, asJSON bool) error {
	if asJSON {
		return printEach(w, ds)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CREATED\tSUBSCRIPTION\tSCOPE\tSTATE\tATTEMPTS\tDUE\tDELIVERY\tEVENT\tWHY")
	for i := range ds {
		d := &ds[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", words.Clock(d.Created), d.Subscription, d.Scope, d.State,
			d.Attempts, words.Clock(d.Due), d.ID, d.Event, d.Reason)
	}
	return t.Flush()
}

func printSubscriptions(w io.Writer, subs []view.Subscription, asJSON bool) error {
	if asJSON {
		return printEach(w, subs)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SUBSCRIPTION\tNO\tSTATUS\tSINCE\tPENDING\tOLDEST DUE\tFAILURES\tTO\tOWNER\tREASON")
	for _, s := range subs {
		status := string(s.Status)
		if s.Status == webhook.Active && s.WaitUntil.After(time.Now()) {
			status += ", waits until " + words.Clock(s.WaitUntil)
		}
		switch {
		case s.Status != webhook.Active:
		case s.Circuit == "open":
			status += ", circuit open since " + words.Clock(s.OpenSince) + " until " + words.Clock(s.OpenUntil)
		case s.Circuit == "half_open":
			status += ", circuit half open"
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%d\t%s\t%d\t%s\t%s\t%s\n", s.ID, s.Number, status, words.Clock(s.Since), s.Pending, words.Clock(s.Oldest), s.Failures, s.To, ownerText(&s), view.Because(s.Reason))
	}
	return t.Flush()
}

// ownerText is whose a subscription is.
func ownerText(s *view.Subscription) string {
	switch {
	case s.Owner != "" && s.Tenant != "":
		return s.Owner + " of " + s.Tenant
	case s.Owner+s.Tenant != "" && s.Tenant != webhook.AnyTenant:
		return s.Owner + s.Tenant
	}
	return "–"
}

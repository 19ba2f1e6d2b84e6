package caddymodule

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// printJSON prints v compactly on a line.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func printEvents(w io.Writer, events []eventView, asJSON, header bool) error {
	if asJSON {
		for i := range events {
			if err := printJSON(w, &events[i]); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if header {
		fmt.Fprintln(t, "POSITION\tTIME\tSCOPE\tENTITY\t#\tEVENT\tWHAT CHANGED")
	}
	for i := range events {
		e := &events[i]
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%d\t%s\t%s\n", e.Position, clock(e.Time), e.Scope, e.Entity.String(), e.Sequence, e.ID, changeText(e))
	}
	return t.Flush()
}

// changeText tells in a few words what an event is about.
func changeText(e *eventView) string {
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

func printDeliveries(w io.Writer, ds []deliveryView, asJSON bool) error {
	if asJSON {
		for i := range ds {
			if err := printJSON(w, &ds[i]); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CREATED\tSUBSCRIPTION\tSCOPE\tSTATE\tATTEMPTS\tDUE\tDELIVERY\tEVENT\tWHY")
	for i := range ds {
		d := &ds[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", clock(d.Created), d.Subscription, d.Scope, d.State,
			d.Attempts, clock(d.Due), d.ID, d.Event, d.Reason)
	}
	return t.Flush()
}

func printSubscriptions(w io.Writer, subs []subscriptionView, asJSON bool) error {
	if asJSON {
		for i := range subs {
			if err := printJSON(w, &subs[i]); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SUBSCRIPTION\tNO\tSTATUS\tSINCE\tPENDING\tOLDEST DUE\tFAILURES\tREASON")
	for _, s := range subs {
		status := string(s.Status)
		if s.Status == webhook.Active && s.WaitUntil.After(time.Now()) {
			status += ", waits until " + clock(s.WaitUntil)
		}
		switch {
		case s.Status != webhook.Active:
		case s.Circuit == "open":
			status += ", circuit open until " + clock(s.CircuitOpen)
		case s.Circuit == "half_open":
			status += ", circuit half open"
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%d\t%s\t%d\t%s\n", s.ID, s.Number, status, clock(s.Since), s.Pending, clock(s.Oldest), s.Failures, s.Reason)
	}
	return t.Flush()
}

// clock shows a time as a person reads it: local, to the second.
func clock(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

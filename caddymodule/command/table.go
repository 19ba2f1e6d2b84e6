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

// printList prints each of all on a line: as JSON, or its cells below the names of the
// columns, of which there may be none.
func printList[T any](w io.Writer, all []T, asJSON bool, columns []any, cells func(*T) []any) error {
	if asJSON {
		return printEach(w, all)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(columns) > 0 {
		printLine(t, columns)
	}
	for i := range all {
		printLine(t, cells(&all[i]))
	}
	return t.Flush()
}

func printLine(t *tabwriter.Writer, cells []any) {
	for i, c := range cells {
		if i > 0 {
			fmt.Fprint(t, "\t")
		}
		fmt.Fprint(t, c)
	}
	fmt.Fprintln(t)
}

func printEvents(w io.Writer, events []view.Event, asJSON, header bool) error {
	var columns []any
	if header {
		columns = []any{"POSITION", "TIME", "SCOPE", "ENTITY", "#", "TENANT", "EVENT", "WHAT CHANGED"}
	}
	return printList(w, events, asJSON, columns, func(e *view.Event) []any {
		return []any{e.Position, words.Clock(e.Time), e.Scope, e.Entity, e.Sequence, tenantText(e), e.ID, changeText(e)}
	})
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
	columns := []any{"CREATED", "SUBSCRIPTION", "SCOPE", "STATE", "ATTEMPTS", "DUE", "DELIVERY", "EVENT", "WHY"}
	return printList(w, ds, asJSON, columns, func(d *view.Delivery) []any {
		return []any{words.Clock(d.Created), d.Subscription, d.Scope, d.State, d.Attempts, words.Clock(d.Due), d.ID, d.Event, d.Reason}
	})
}

func printSubscriptions(w io.Writer, subs []view.Subscription, asJSON bool) error {
	columns := []any{"SUBSCRIPTION", "NO", "STATUS", "SINCE", "PENDING", "OLDEST DUE", "FAILURES", "TO", "OWNER", "REASON"}
	return printList(w, subs, asJSON, columns, func(s *view.Subscription) []any {
		return []any{s.ID, s.Number, statusText(s), words.Clock(s.Since), s.Pending, words.Clock(s.Oldest), s.Failures, s.To, ownerText(s), view.Because(s.Reason)}
	})
}

// statusText is the status of a subscription, and what it waits for if it is active.
func statusText(s *view.Subscription) string {
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
	return status
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

package command

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules/cases"
	"github.com/sidehook/sidehook/webhook"
)

// explainCommand tells in words how an event came about.
func explainCommand() *cobra.Command {
	var f adminFlags
	var max int
	cmd := &cobra.Command{
		Use:   "explain [ID | PATH]",
		Short: "Tell in words how an event came about, or why a call earned none, and who got it",
		Long: `ID is that of an event (evt_…, the webhook-id), of an exchange (exc_…) or of a
delivery (dlv_…). With a PATH like /api/projects/17 the newest calls of that path,
or below it, are listed with what became of them, so that one can be asked about
that earned no event; without both, the newest calls of all paths.

It tells what was seen of the call, where the states before and after it were
learned, which rules were met and which were not, and for each subscription
whether it got the event and why, or why not. What is not kept any more cannot
be told, and the text says so.`,
		Args: Arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			what := "/"
			if len(args) == 1 {
				what = args[0]
			}
			if strings.HasPrefix(what, "/") {
				return f.explainPath(cmd, what, max)
			}
			var x view.Explanation
			if err := f.ask(http.MethodGet, "/sidehook/explain/"+url.PathEscape(what), nil, nil, &x); err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), &x)
			}
			return printExplanation(cmd.OutOrStdout(), &x)
		},
	}
	f.add(cmd)
	cmd.Flags().IntVarP(&max, "max", "n", 20, "how many calls of a path, at most 1000")
	return cmd
}

// explainPath lists the newest calls of a path; if there are none it says why that
// may be.
func (f *adminFlags) explainPath(cmd *cobra.Command, path string, max int) error {
	path, _, _ = strings.Cut(path, "?")
	var calls []view.ListedCall
	q := url.Values{"path": {path}, "max": {fmt.Sprint(max)}}
	if err := f.ask(http.MethodGet, "/sidehook/calls", q, nil, &calls); err != nil {
		return err
	}
	if len(calls) == 0 {
		f.hints(cmd.ErrOrStderr(), "/sidehook/uncaptured", q)
	}
	return printCalls(cmd.OutOrStdout(), calls, f.json)
}

// printCalls lists calls, the newest first.
func printCalls(w io.Writer, calls []view.ListedCall, asJSON bool) error {
	columns := []any{"BEGAN", "METHOD", "PATH", "STATUS", "ENDED", "EXCHANGE", "EARNED"}
	return printList(w, calls, asJSON, columns, func(c *view.ListedCall) []any {
		status := "–"
		if c.Status > 0 {
			status = fmt.Sprint(c.Status)
		}
		return []any{words.Clock(c.Started), c.Method, c.Path, status, cmp.Or(c.Ending, "–"), c.Exchange, earnedText(c)}
	})
}

// earnedText says in a word or two what became of a call.
func earnedText(c *view.ListedCall) string {
	switch c.Outcome {
	case view.OutcomeEvents:
		return words.Counted(c.Events, "event", "events")
	case view.OutcomeNothing:
		return "nothing"
	}
	return strings.ToLower(outcomeWords[c.Outcome])
}

// printExplanation writes x for people.
func printExplanation(w io.Writer, x *view.Explanation) error {
	var b strings.Builder
	printCall(&b, x)
	for i := range x.Entities {
		b.WriteString("\n" + cases.Why(&x.Entities[i]))
	}
	for i, line := range x.Refresh {
		if i == 0 {
			b.WriteByte('\n')
		}
		b.WriteString("It " + line + "\n")
	}
	for i := range x.Events {
		printReception(&b, &x.Events[i], x.Outcome == view.OutcomeOwn)
	}
	if x.More > 0 {
		fmt.Fprintf(&b, "\nand %s: sidehook events --exchange %s\n", words.Counted(x.More, "more event", "more events"), x.Exchange)
	}
	for i, what := range x.NotKnown {
		if i == 0 {
			b.WriteString("\nNot known:\n")
		}
		b.WriteString("  " + what + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printCall writes what was seen of the call, and what became of it.
func printCall(b *strings.Builder, x *view.Explanation) {
	if c := x.Call; c != nil {
		b.WriteString(c.Method + " " + c.Path)
		if c.Query != "" {
			b.WriteString("?" + c.Query)
		}
		if c.Status > 0 {
			fmt.Fprintf(b, " answered %d", c.Status)
		}
		b.WriteByte('\n')
		for _, line := range callLines(c) {
			b.WriteString("  " + line + "\n")
		}
	}
	fmt.Fprintf(b, "  exchange %s\n", x.Exchange)
	fmt.Fprintf(b, "\n%s: %s\n", outcomeWords[x.Outcome], x.Why)
	if x.Outcome == view.OutcomeQuarantined {
		fmt.Fprintf(b, "  mend the rule and reload, then: sidehook quarantine derive %s\n", x.Exchange)
	}
}

// outcomeWords begin the sentence that says what became of an exchange.
var outcomeWords = map[view.Outcome]string{
	view.OutcomeEvents: "Earned", view.OutcomeOwn: "Sidehook's own", view.OutcomeNothing: "Earned nothing", view.OutcomeQuarantined: "In quarantine",
	view.OutcomeWaiting: "Waiting", view.OutcomeOpen: "In flight", view.OutcomeNotKnown: "Not known",
}

// callLines says what there is to say of a call beside its first line.
func callLines(c *view.Call) (lines []string) {
	add := func(yes bool, format string, args ...any) {
		if yes {
			lines = append(lines, fmt.Sprintf(format, args...))
		}
	}
	switch {
	case !c.Started.IsZero() && !c.Ended.IsZero():
		add(true, "%s, took %s", words.Clock(c.Started), c.Ended.Sub(c.Started))
	case !c.Started.IsZero():
		add(true, "began %s", words.Clock(c.Started))
	default:
		add(!c.Ended.IsZero(), "ended %s", words.Clock(c.Ended))
	}
	add(c.Ending == "truncated", "its answer broke off")
	add(c.Ending == "unknown" && c.Status == 0, "no answer came, and whether it was done is not known from that")
	add(c.Ending == "unknown" && c.Status > 0, "that answer does not say whether it was done")
	add(c.Request != "", "request body: %s", c.Request)
	add(c.Response != "", "answer's body: %s", c.Response)
	add(c.Before != "", "GET before it was forwarded: %s", c.Before)
	add(c.ClientGone, "the client hung up before it had the answer")
	add(c.Overlapped, "another call on the entity was open meanwhile")
	add(c.SkipKey != "", "skip key: %s", c.SkipKey)
	add(!c.Cause.IsZero(), "because of exchange %s", c.Cause)
	return lines
}

// printReception writes how an event is known, but for those of Sidehook's own, who
// got it, and who did not.
func printReception(b *strings.Builder, e *view.ExplainedEvent, own bool) {
	fmt.Fprintf(b, "\n%s %s", e.Scope, e.Entity)
	if e.Sequence > 0 {
		fmt.Fprintf(b, " #%d", e.Sequence)
	}
	fmt.Fprintf(b, ", recorded %s\n  %s\n", words.Clock(e.Recorded), e.ID)
	if e.Gap != nil {
		fmt.Fprintf(b, "  %s: %s\n", e.Gap.Reason, e.Gap.Detail)
	}
	if own {
		printSubscribers(b, e.Subscribers)
		return
	}
	if e.Gap != nil {
		if e.Gap.Reason == webhook.GapUnidentified {
			b.WriteString("  if the answer does name it: `id`, or `entity`, in the resource says where; `each` of a line, where there are many\n")
		}
		printSubscribers(b, e.Subscribers)
		return
	}
	fmt.Fprintf(b, "  known by %s\n", knownBy(&e.Provenance))
	printSubscribers(b, e.Subscribers)
}

func printSubscribers(b *strings.Builder, all []view.Reception) {
	if len(all) == 0 {
		b.WriteString("  there are no subscriptions\n")
		return
	}
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, r := range all {
		fmt.Fprintf(t, "  %s\t%s\n", r.Subscription, receptionText(&r))
	}
	t.Flush()
}

func receptionText(r *view.Reception) string {
	d := r.Delivery
	if d == nil {
		return "not owed: " + r.Why
	}
	text := string(d.State)
	if d.Reason != "" {
		text += " (" + d.Reason + ")"
	}
	text += ", " + words.Counted(d.Attempts, "attempt", "attempts")
	if d.Settled.IsZero() && !d.Due.IsZero() {
		text += ", due " + words.Clock(d.Due)
	} else if !d.Settled.IsZero() {
		text += ", " + words.Clock(d.Settled)
	}
	return text + ", " + string(d.ID) + ": " + r.Why
}

package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/webhook"
)

// shownEvent is an event with its deliveries.
type shownEvent struct {
	view.Event
	Deliveries []view.Delivery `json:"deliveries"`
}

// showEvent prints one event, and who is owed it.
func (f *adminFlags) showEvent(w io.Writer, id string) error {
	if strings.Contains(id, "/") {
		return fmt.Errorf("%q is no id of an event (evt_…): those of an entity are listed by `events --entity %s`", id, id)
	}
	if !strings.HasPrefix(id, "evt_") {
		return fmt.Errorf("%q is no id of an event (evt_…): write `events --scope PATTERN`, or `events --entity RESOURCE/ID`; `explain` takes ids of all kinds, and paths", id)
	}
	var e shownEvent
	raw, err := f.askOne("/sidehook/events/"+url.PathEscape(id), &e)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(w, raw)
	}
	var b strings.Builder
	eventText(&b, &e.Event)
	if _, err := io.WriteString(w, b.String()+"\n"); err != nil {
		return err
	}
	if len(e.Deliveries) == 0 {
		_, err := fmt.Fprintf(w, "It is owed to nobody: sidehook explain %s says why\n", e.ID)
		return err
	}
	return printDeliveries(w, e.Deliveries, false)
}

func eventText(b *strings.Builder, e *view.Event) {
	fmt.Fprintf(b, "%s %s", e.Scope, e.Entity)
	if e.Sequence > 0 {
		fmt.Fprintf(b, " #%d", e.Sequence)
	}
	fmt.Fprintf(b, "\n  %s, position %d\n", e.ID, e.Position)
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(b, "  %-11s%s\n", label, text)
		}
	}
	line("recorded", words.Clock(e.Recorded))
	if e.Request.Method != "" {
		line("call", fmt.Sprintf("%s %s at %s, %s", e.Request.Method, e.Request.Path, words.Clock(e.Time), e.Exchange))
	}
	line("api", e.Entity.API)
	line("tenant", e.Tenant)
	line("actor", e.Actor)
	line("skip key", e.SkipKey)
	if e.Gap != nil {
		line("gap", e.Gap.Reason+": "+e.Gap.Detail)
	} else if e.Request.Method != "" {
		line("known by", knownBy(&e.Provenance))
		line("unknown", strings.Join(e.Provenance.Unknown, " "))
	}
	for _, c := range e.Changes {
		line("changed", c.Path+": "+valueText(c.Old)+" → "+valueText(c.New))
	}
	line("before", string(e.Before))
	line("after", string(e.After))
	line("item", string(e.Item))
	for _, r := range e.Related {
		line("related", r.Name+" "+string(r.Value))
	}
	line("attributes", string(e.Attributes))
}

// knownBy says how the states of an event are known.
func knownBy(p *webhook.Provenance) string {
	text := fmt.Sprintf("%s before, %s after; %s", p.Before, p.After, p.Confidence)
	if p.Concurrent {
		text += ", concurrent"
	}
	return text
}

// valueText is a value of a change, whole.
func valueText(raw json.RawMessage) string {
	if raw == nil {
		return "absent"
	}
	return string(raw)
}

// showDelivery prints one delivery with its attempts.
func (f *adminFlags) showDelivery(w io.Writer, id string) error {
	if id == "retry" {
		return errors.New("retry wants the id of a delivery: write `deliveries retry dlv_…`; many are for `replay`")
	}
	if !strings.HasPrefix(id, "dlv_") {
		return fmt.Errorf("%q is no id of a delivery (dlv_…): write `deliveries --subscription NAME` for those of a subscription, or `deliveries --event evt_…`", id)
	}
	var d view.Delivery
	raw, err := f.askOne("/sidehook/deliveries/"+url.PathEscape(id), &d)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(w, raw)
	}
	if err := printDeliveries(w, []view.Delivery{d}, false); err != nil {
		return err
	}
	var b strings.Builder
	if d.Chunk != nil {
		fmt.Fprintf(&b, "\nchunk %s of %s:\n", d.Chunk.ID, words.Counted(len(d.Chunk.Events), "event", "events"))
		for _, id := range d.Chunk.Events {
			fmt.Fprintf(&b, "  %s\n", id)
		}
	}
	for i := range d.Made {
		attemptText(&b, &d.Made[i])
	}
	if len(d.Made) == 0 {
		b.WriteString("\nno attempt was made yet\n")
	}
	_, err = io.WriteString(w, b.String())
	return err
}

func attemptText(b *strings.Builder, a *view.Attempt) {
	fmt.Fprintf(b, "\nattempt %d, %s, to %s: %s", a.Number, words.Clock(a.Started), a.URL, a.Outcome)
	if a.Outcome == webhook.Broken {
		b.WriteString(", nothing was sent")
	}
	if a.Status > 0 {
		fmt.Fprintf(b, ", answered %d", a.Status)
	}
	fmt.Fprintf(b, " after %g ms\n", a.Millis)
	if a.Error != "" {
		fmt.Fprintf(b, "  %s\n", a.Error)
	}
	headerText(b, "sent", a.Sent)
	headerText(b, "received", a.Received)
	if a.Answer == "" {
		return
	}
	cut := ""
	if a.CutShort {
		cut = ", its beginning"
	}
	fmt.Fprintf(b, "  answer%s:\n", cut)
	for line := range strings.Lines(a.Answer) {
		b.WriteString("    " + strings.TrimRight(line, "\r\n") + "\n")
	}
}

func headerText(b *strings.Builder, label string, h webhook.Header) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			fmt.Fprintf(b, "  %-10s%s: %s\n", label, name, value)
			label = ""
		}
	}
}

// askOne asks for one thing, and returns its JSON too.
func (f *adminFlags) askOne(path string, v any) (raw json.RawMessage, err error) {
	if err := f.ask(http.MethodGet, path, nil, nil, &raw); err != nil {
		return nil, err
	}
	return raw, json.Unmarshal(raw, v)
}

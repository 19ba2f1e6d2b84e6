package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/replay"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Bounds and defaults of a replay.
const (
	mostReplayRate = 1000

	// countTime bounds how long a dry run counts.
	countTime = 10 * time.Second

	// missedState stands among states for events of which there is no delivery.
	missedState = "missed"
)

// replayedByDefault are the states of deliveries that were not accepted through
// no decision of anybody.
var replayedByDefault = []webhook.DeliveryState{webhook.Exhausted, webhook.Dead, webhook.Expired}

// apiReplay is what begins a replay.
type apiReplay struct {
	Subscription webhook.SubscriptionID `json:"subscription" jsonschema:"The one to send to."`

	Since  apiWhen  `json:"since" jsonschema:"Events recorded then or later: a time, or a position; 0 is all there is."`
	Until  apiWhen  `json:"until,omitempty" jsonschema:"Events recorded before: a time, or a position. Default: now."`
	Scopes []string `json:"scopes,omitempty" jsonschema:"Patterns of event names: * is one part, ** the rest. Default: all."`
	States []string `json:"states,omitempty" jsonschema:"What is sent again, by the state of its delivery; missed are events of which there is no delivery and that the subscription would get if they were recorded now. Default: exhausted, dead, expired."`
	Rate   float64  `json:"rate,omitempty" jsonschema:"How many deliveries are sent in a second at most, up to 1000; all replays of a caller together send 200. Default: 20."`
}

// apiWhen is a time or a position.
type apiWhen json.RawMessage

func viewReplay(r *replay.Replay) view.Replay {
	v := view.Replay{
		ID: r.ID, Subscription: r.Subscription, Status: r.Status, Reason: r.Reason, Waits: r.Waits,
		From: r.Low, Below: r.High, Scopes: words.Texts(r.Scopes), States: words.Texts(r.States), Rate: r.Rate, Next: r.Next,
		Progress: 1, Queued: r.Queued, Owed: len(r.Owed), Created: r.Created, Ended: r.Ended,
	}
	if r.Missed {
		v.States = append(v.States, missedState)
	}
	if r.Next < r.High {
		v.Progress = float64(r.Next-r.Low) / float64(r.High-r.Low)
	}
	return v
}

// createReplay begins a replay.
func (c *Call) createReplay() (apiAnswer, error) {
	repeat, release, err := c.repeat()
	if err != nil {
		return apiAnswer{}, err
	}
	defer release()
	if made, err := c.replayedBefore(repeat); made != nil || err != nil {
		return c.createdReplay(made, true), err
	}
	r, err := c.readReplay()
	if err != nil {
		return apiAnswer{}, err
	}
	if repeat != nil {
		r.Repeat = repeat.Key + " " + hex.EncodeToString(repeat.Body)
	}
	if err := c.e.Replays.Start(context.WithoutCancel(c.r.Context()), r); err != nil {
		return apiAnswer{}, err
	}
	return c.createdReplay(&replay.Replay{Replay: r}, false), nil
}

func (c *Call) createdReplay(r *replay.Replay, replayed bool) apiAnswer {
	if r == nil {
		return apiAnswer{}
	}
	return apiAnswer{status: http.StatusCreated, location: c.path + "/" + string(r.ID), body: viewReplay(r), replayed: replayed}
}

// replayedBefore returns the replay that an earlier call with the same key has
// begun, as it is now, or nil.
func (c *Call) replayedBefore(r *kept.Repeat) (*replay.Replay, error) {
	if r == nil {
		return nil, nil
	}
	for _, was := range c.e.Replays.List() {
		key, body, _ := strings.Cut(was.Repeat, " ")
		switch {
		case key != r.Key || time.Since(was.Created) > repeatTime:
		case body != hex.EncodeToString(r.Body):
			return nil, errOtherBody()
		default:
			return &was, nil
		}
	}
	return nil, nil
}

// countReplay says what a replay would send.
func (c *Call) countReplay() (apiAnswer, error) {
	r, err := c.readReplay()
	if err != nil {
		return apiAnswer{}, err
	}
	done, err := c.look()
	if err != nil {
		return apiAnswer{}, err
	}
	defer done()
	ctx, cancel := context.WithTimeout(c.r.Context(), countTime)
	defer cancel()
	n, more, err := c.e.Replays.Count(ctx, r)
	return apiAnswer{body: view.ReplayCount{Deliveries: n, Complete: !more, From: r.Low, Below: r.High}}, err
}

// listReplays lists them, newest first. There are few: [view.MostReplays].
func (c *Call) listReplays() (apiAnswer, error) {
	page, err := c.page()
	if err != nil {
		return apiAnswer{}, err
	}
	of := webhook.SubscriptionID(c.r.URL.Query().Get("subscription"))
	list := apiList{Data: []any{}}
	mine := c.mine()
	for _, r := range c.e.Replays.List() {
		if page.id != "" && string(r.ID) >= page.id || of != "" && r.Subscription != of || !c.maySeeReplay(mine, &r) {
			continue
		}
		if len(list.Data) == page.limit {
			list.Next = c.next(cursor{id: string(list.Data[page.limit-1].(view.Replay).ID)})
			break
		}
		list.Data = append(list.Data, viewReplay(&r))
	}
	return apiAnswer{body: list}, nil
}

func (c *Call) maySeeReplay(mine []webhook.SubscriptionID, r *replay.Replay) bool {
	return c.Operator || slices.Contains(mine, r.Subscription)
}

// findReplay returns the replay that the path names.
func (c *Call) findReplay() (replay.Replay, error) {
	r, ok := c.e.Replays.Get(webhook.ReplayID(c.id))
	if !ok || !c.maySeeReplay(c.mine(), &r) {
		return r, fmt.Errorf("replay %s: %w", c.id, store.ErrNotFound)
	}
	return r, nil
}

func (c *Call) readReplayed() (apiAnswer, error) {
	r, err := c.findReplay()
	return apiAnswer{body: viewReplay(&r)}, err
}

func (c *Call) cancelReplay() (apiAnswer, error) {
	r, err := c.findReplay()
	if err == nil && r.Status != webhook.ReplayDone {
		err = c.e.Replays.Cancel(context.WithoutCancel(c.r.Context()), r.ID, "by a call")
	}
	if err != nil {
		return apiAnswer{}, err
	}
	return c.readReplayed()
}

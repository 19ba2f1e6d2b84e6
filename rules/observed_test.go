package rules_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// A GET that follows from a call is told as its caller's, with what the call said of
// how things are shown and nothing of its body and its conditions; one that the service
// made is nobody's, and how the caller wanted things shown says nothing of it.
func TestWhatAGETThatFollowsFromACallSaysOfIt(t *testing.T) {
	p := compile(t, []byte(`{"resources": [{"name": "task", "path": "/tasks"}]}`))
	cause := taskCall("PATCH")
	cause.ID, cause.API, cause.Config = webhook.ExchangeID{1}, "shop", webhook.ConfigID{7}
	cause.Request.ID, cause.Request.Trace, cause.Request.SkipKey, cause.Request.Caller = "r-1", "00-t", "key", []byte("ann")
	cause.Request.Header = webhook.Header{
		"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}, "Prefer": {"return=minimal"}, "If-Match": {`"1"`},
		"If-None-Match": {"*"}, "Idempotency-Key": {"k"}, "X-Fields": {"id"}, "X-Goog-Fieldmask": {"id"},
		"Accept": {"application/json"}, "Accept-Language": {"de"}, "X-Space": {"acme"},
	}
	o := &webhook.Observation{Requested: cause.Ended, Received: cause.Ended, Status: 200, Header: webhook.Header{"Etag": {"2"}}}
	r := rules.Refreshed{Path: "/tasks/5?lang=de"}
	want := webhook.Request{
		Method: "GET", Path: "/tasks/5", Query: "lang=de", ID: "r-1", Trace: "00-t", SkipKey: "key", Caller: []byte("ann"),
		Header: webhook.Header{"Accept": {"application/json"}, "Accept-Language": {"de"}, "X-Space": {"acme"}},
	}
	got := p.Observed(webhook.ExchangeID{2}, cause, r, o)
	if diff := cmp.Diff(want, got.Request); diff != "" {
		t.Error(diff)
	}
	if got.ID != (webhook.ExchangeID{2}) || got.Cause != cause.ID || got.API != "shop" || got.Config != (webhook.ConfigID{7}) || got.Service || got.Response.Header.Get("Etag") != "2" {
		t.Errorf("got %+v", got)
	}
	o.Service, want.Caller, want.Header = true, nil, webhook.Header{"X-Space": {"acme"}}
	got = p.Observed(webhook.ExchangeID{2}, cause, r, o)
	if diff := cmp.Diff(want, got.Request); diff != "" || !got.Service {
		t.Error("of the service:", got.Service, diff)
	}
}

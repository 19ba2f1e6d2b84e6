package audience_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sidehook/sidehook/rules/audience"
	"github.com/sidehook/sidehook/rules/audience/audiencetest"
	"github.com/sidehook/sidehook/rules/mapping"
	"github.com/sidehook/sidehook/webhook"
)

var (
	subscription = audiencetest.Subscription
	updated      = audiencetest.Updated
	subscribers  = audiencetest.New
)

// wanted lists who wants e; a ? marks an unjudged one.
func wanted(t testing.TB, s *audience.Subscribers, e *webhook.Event) []string {
	t.Helper()
	wants, err := s.Want(e)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	unjudged := map[webhook.SubscriptionID]bool{}
	for _, w := range wants {
		unjudged[w.Subscription.ID] = w.Unjudged
		name := string(w.Subscription.ID)
		if w.Unjudged {
			name += "?"
		}
		got = append(got, name)
	}
	judged := []string{}
	for _, j := range s.Judge(e) {
		if j.Wanted {
			judged = append(judged, string(j.Subscription))
		}
		w, alone, err := s.Wanted(e, j.Subscription)
		if err != nil {
			t.Fatal(err)
		}
		if known := !unjudged[j.Subscription] || w.Unjudged; known && alone != j.Wanted || alone && (w.Subscription.ID != j.Subscription || w.Unjudged && !unjudged[j.Subscription]) {
			t.Errorf("asked by itself %s wants the event: %v, unjudged %v; asked with all: %v, unjudged %v", j.Subscription, alone, w.Unjudged, j.Wanted, unjudged[j.Subscription])
		}
		if j.Why == "" {
			t.Errorf("it is not told why %s wants or does not want the event", j.Subscription)
		}
	}
	if plain := strings.ReplaceAll(strings.Join(got, " "), "?", ""); plain != strings.Join(judged, " ") {
		t.Errorf("Want says %s, Judge says %s", plain, judged)
	}
	return got
}

func TestWantSelectsByScopeInTheGivenOrder(t *testing.T) {
	s := subscribers(t, nil,
		subscription("all", "**"), subscription("exact", "project.updated"), subscription("other", "project.created", "task.**"),
		subscription("first", "project.**"), subscription("twice", "project.*", "**", "project.updated"), subscription("verb", "*.updated"),
		subscription("slash", "project/updated"), subscription("gaps", "project.gap"))
	e := updated()
	if diff := cmp.Diff([]string{"all", "exact", "first", "twice", "verb", "slash"}, wanted(t, s, e)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	e.Scope = "project/updated"
	if diff := cmp.Diff([]string{"all", "exact", "first", "twice", "verb", "slash"}, wanted(t, s, e)); diff != "" {
		t.Errorf("with slashes (-want +got):\n%s", diff)
	}
	e.Scope = "project.gap"
	if diff := cmp.Diff([]string{"gaps"}, wanted(t, s, e)); diff != "" {
		t.Errorf("a gap (-want +got):\n%s", diff)
	}
}

func TestWantKeepsTenantsApart(t *testing.T) {
	acme, other, every := subscription("acme", "**"), subscription("other", "**"), subscription("every", "**")
	acme.Tenant, other.Tenant = "acme", "other"
	s := subscribers(t, nil, acme, other, every)
	e := updated()
	e.Tenant = "acme"
	if diff := cmp.Diff([]string{"acme", "every"}, wanted(t, s, e)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	e.Tenant, e.Unowned = "", true
	if diff := cmp.Diff([]string{"every"}, wanted(t, s, e)); diff != "" {
		t.Errorf("unowned (-want +got):\n%s", diff)
	}
}

func TestWantSkipsKeysAndDryRuns(t *testing.T) {
	skips := subscription("skips", "**")
	skips.SkipKeys = []string{"sync"}
	s := subscribers(t, nil, skips, subscription("all", "**"))
	e := updated()
	e.SkipKey = "sync"
	if diff := cmp.Diff([]string{"all"}, wanted(t, s, e)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	e.DryRun = true
	if got := wanted(t, s, e); len(got) > 0 {
		t.Errorf("a dry run is wanted by %v", got)
	}
}

// TestFilter holds filters on known, unknown and missing values; yes lets
// through, no does not, ? lets through unjudged.
func TestFilter(t *testing.T) {
	known := updated()
	created := updated()
	created.Operation, created.Before, created.Changes = webhook.Created, nil, nil
	deleted := updated()
	deleted.Operation, deleted.After, deleted.Changes = webhook.Deleted, nil, nil
	blind := updated()
	blind.Before, blind.Changes, blind.Provenance.Before = nil, nil, webhook.FromNone
	partly := updated()
	partly.Provenance.Unknown = []string{"budget"}
	gap := updated()
	gap.Operation, gap.Before, gap.After, gap.Changes = webhook.Missed, nil, nil, nil
	gap.Gap = &webhook.Gap{Reason: webhook.GapUnknownState}
	called := updated()
	called.Operation, called.Before, called.After, called.Changes = webhook.Called, nil, nil, nil
	called.Item = json.RawMessage(`{"n":1}`)

	events := []*webhook.Event{known, created, deleted, blind, partly, gap, called}
	for filter, want := range map[string]string{
		`entity.budget > 10000`:                       "yes yes yes yes ? ? no",
		`entity.budget > 20000`:                       "no no no no ? ? no",
		`entity.status == "done"`:                     "yes yes no yes yes ? no",
		`before.status == "open"`:                     "yes no yes ? yes ? no",
		`before == nil`:                               "no yes no ? no ? yes",
		`after == nil`:                                "no no yes no no ? yes",
		`any(changes, .path == "status")`:             "yes no no ? yes no no",
		`previous.owner.email == "a@x"`:               "yes no no ? yes no no",
		`operation == "updated"`:                      "yes no no yes yes no no",
		`gap.reason == "unknown_state"`:               "no no no no no yes no",
		`item.n == 1`:                                 "no no no no no no yes",
		`entity.n == 1`:                               "no no no no no ? yes",
		`provenance.confidence == "observed"`:         "yes yes yes yes yes yes yes",
		`subscription.name == "f" && sequence == 7`:   "yes yes yes yes yes yes yes",
		`scope startsWith "project." && id == "55"`:   "yes yes yes yes yes yes yes",
		`entity.budget > 10000 && operation == "gap"`: "no no no no no ? no",
		`entity.nothing`:                              "no no no no no ? no",
		`repeat("a", 99999999999) == ""`:              "? ? ? ? ? ? ?",
	} {
		f := subscription("f", "**")
		f.Filter = filter
		s := subscribers(t, nil, f)
		got := make([]string, len(events))
		for i, e := range events {
			got[i] = strings.Join(wanted(t, s, e), " ")
			got[i] = map[string]string{"": "no", "f": "yes", "f?": "?"}[got[i]]
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s:\n got %s\nwant %s", filter, got, want)
		}
	}
}

func TestOnChange(t *testing.T) {
	whole := updated() // the owner came as a whole
	whole.Changes = []webhook.FieldChange{{Path: "owner", New: json.RawMessage(`{"email":"b@x","name":"B"}`)}}
	blind := updated()
	blind.Before, blind.Changes = nil, nil
	partly := updated()
	partly.Provenance.Unknown = []string{"budget.total"}
	created := updated()
	created.Operation, created.Before, created.Changes = webhook.Created, nil, nil

	events := []*webhook.Event{updated(), whole, blind, partly, created}
	for paths, want := range map[string]string{
		"status":       "yes no ? yes yes",
		"name status":  "yes no ? yes yes",
		"owner":        "yes yes ? yes yes",
		"owner.email":  "yes yes ? yes yes",
		"owner.phone":  "no no ? no yes",
		"owner.*":      "yes yes ? yes yes",
		"budget":       "no no ? ? yes",
		"budget.total": "no no ? ? yes",
		"budget.sum":   "no no ? no yes",
		"**":           "yes yes ? yes yes",
	} {
		f := subscription("f", "**")
		f.OnChange = strings.Fields(paths)
		s := subscribers(t, nil, f)
		got := make([]string, len(events))
		for i, e := range events {
			got[i] = map[string]string{"": "no", "f": "yes", "f?": "?"}[strings.Join(wanted(t, s, e), " ")]
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("on_change %s:\n got %s\nwant %s", paths, got, want)
		}
	}
}

func TestSubscriptionErrorsNameThePlace(t *testing.T) {
	for want, change := range map[string]func(*webhook.Subscription){
		`subscription crm: filter: expression ` + "`entty.x`" + `: column 1: unknown name "entty": did you mean entity?`: func(s *webhook.Subscription) { s.Filter = "entty.x" },
		`filter: expression ` + "`changed(\"x\")`": func(s *webhook.Subscription) { s.Filter = `changed("x")` },
		`subscription crm: on_change: path "a..b"`: func(s *webhook.Subscription) { s.OnChange = []string{"a..b"} },
		`subscription crm: fields: path "**.a"`:    func(s *webhook.Subscription) { s.Fields = []string{"**.a"} },
		`there is no payload "nope": write standard, full, thin, cloudevents, cloudevents_binary, mine, or declare payload nope`: func(s *webhook.Subscription) { s.Payload = "nope" },
		`subscription crm: header X-A: {scop}: unknown name "scop": did you mean scope?; webhook_id, timestamp may be used too`:  func(s *webhook.Subscription) { s.Headers = []webhook.HeaderTemplate{{Name: "X-A", Value: "{scop}"}} },
		`header X-A: {signature}`: func(s *webhook.Subscription) {
			s.Headers = []webhook.HeaderTemplate{{Name: "X-A", Value: "{signature}"}}
		},
		`sign over: {signature}`:                   func(s *webhook.Subscription) { s.Sign.Over = "{signature}" },
		`sign as: template`:                        func(s *webhook.Subscription) { s.Sign.As = "v1={signature" },
		`content_type: "xml": write json or form`:  func(s *webhook.Subscription) { s.ContentType = "xml" },
		`subscription crm: scopes: there are none`: func(s *webhook.Subscription) { s.Scopes = nil },
		`** stands for the rest`:                   func(s *webhook.Subscription) { s.Scopes = []webhook.Pattern{"**.x"} },
	} {
		sub := subscription("crm", "project.**")
		change(sub)
		payloads := map[string]mapping.Payload{"mine": {Expr: "scope"}}
		_, err := audience.New([]*webhook.Subscription{sub}, payloads)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if err := audience.Check(sub, payloads); err == nil {
			t.Errorf("CheckSubscription finds nothing where NewSubscribers says %s", want)
		}
	}
	both := []*webhook.Subscription{subscription("crm", "**"), subscription("crm", "**")}
	if _, err := audience.New(both, nil); err == nil {
		t.Error("two subscriptions of one name: no error")
	}
}

func TestABrokenSubscriptionOfTheAPIHurtsNobodyElse(t *testing.T) {
	broken := subscription("broken", "**")
	broken.Static, broken.Payload = false, "gone"
	s := subscribers(t, nil, broken, subscription("fine", "**"))
	if diff := cmp.Diff([]string{"broken?", "fine"}, wanted(t, s, updated())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := s.Render(updated(), &webhook.Delivery{Subscription: "broken"}); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("rendering for it: got %v", err)
	}
}

func BenchmarkWantAmong1000OtherScopes(b *testing.B) {
	subs := make([]*webhook.Subscription, 0, 1001)
	for i := range 1000 {
		subs = append(subs, subscription(fmt.Sprint("s", i), webhook.Pattern(fmt.Sprintf("thing%d.updated", i)), webhook.Pattern(fmt.Sprintf("other%d.**", i))))
	}
	filtered := subscription("crm", "project.**")
	filtered.Filter = `entity.budget > 10000 && operation == "updated"`
	s := subscribers(b, nil, append(subs, filtered)...)
	e := updated()
	b.ReportAllocs()
	for b.Loop() {
		if wants, _ := s.Want(e); len(wants) != 1 {
			b.Fatal(wants)
		}
	}
}

package leadspace_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/examples/internal/exampletest"
	leadspace "github.com/sidehook/sidehook/examples/lead-space"
)

const (
	first  = "eb8edc65-129a-4cb6-abbe-6bf8979c0658"
	second = "7d4c3b1e-55aa-4f0e-9a55-2f1f3a6b9c01"

	firstSecret  = "wh_a46f35f22d9723a"
	secondSecret = "wh_0123456789abcde"
)

func TestMain(m *testing.M) { exampletest.Main(m) }

// play is a stage, and the ids of what was made on it.
type play struct {
	*exampletest.Stage
	t   *testing.T
	ids map[string]string // by the resource: {lead} stands for it
}

func start(t *testing.T) *play {
	t.Helper()
	s := exampletest.Start(t, leadspace.New(nil), "FIRST_SECRET="+firstSecret, "SECOND_SECRET="+secondSecret)
	return &play{s, t, map[string]string{}}
}

// call makes a call of a space, and returns what came of it. A create's id is
// kept under the name of the event.
func (p *play) call(space, call, body string) []exampletest.Webhook {
	p.t.Helper()
	for name, id := range p.ids {
		call, body = strings.ReplaceAll(call, "{"+name+"}", id), strings.ReplaceAll(body, "{"+name+"}", id)
	}
	method, path, _ := strings.Cut(call, " ")
	status, answer := p.Call(method, path, strings.ReplaceAll(body, "{space}", space), "X-Space-Id", space)
	if status >= 400 {
		p.t.Fatalf("%s: %d: %s", call, status, answer)
	}
	got := p.Told()
	var made struct{ ID string }
	if status == http.StatusCreated && json.Unmarshal([]byte(answer), &made) == nil && len(got) == 1 {
		p.ids[strings.TrimSuffix(event(got[0]), ".create")] = made.ID
	}
	return got
}

func event(w exampletest.Webhook) string { return w.Field("event") }

// day is what people and providers do in a space, and all events that come of
// each call.
var day = []struct {
	call, body string
	want       string
}{
	{"POST /lists", `{"name":"Trade fair"}`, "list.create"},
	{"PATCH /lists/{list}", `{"name":"Trade fair 2026"}`, "list.update"},
	{"POST /statuses", `{"name":"New"}`, "status.create"},
	{"PATCH /statuses/{status}", `{"color":"red"}`, "status.update"},
	{"POST /tags", `{"name":"vip"}`, "tag.create"},
	{"PATCH /tags/{tag}", `{"color":"gold"}`, "tag.update"},

	{"POST /leads", `{"first_name":"Jean","last_name":"remove"}`, "lead.create"},
	{"PATCH /leads/{lead}", `{"city":"Lyon"}`, "lead.update"},
	{"PATCH /leads/{lead}", `{"city":"Lyon"}`, ""}, // nothing changed
	{"PUT /leads/{lead}/status", `{"id_status":"{status}"}`, "lead.status.update"},
	{"PUT /leads/{lead}/status", `{"id_status":"{status}"}`, ""}, // nothing changed
	{"PUT /leads/{lead}/lists", `{"lists":["{list}"]}`, "lead.list.update"},
	{"PUT /leads/{lead}/tags", `{"tags":["{tag}"]}`, "lead.tags.update"},
	{"POST /leads/{lead}/track", "", "lead.track"},
	{"POST /leads/{lead}/tasks", `{"title":"Call"}`, "lead.task.create"},
	{"PATCH /leads/{lead}/tasks/{lead.task}", `{"is_done":true}`, "lead.task.update"},
	{"DELETE /leads/{lead}/tasks/{lead.task}", "", "lead.task.delete"},
	{"POST /leads/{lead}/notes", `{"text":"Met at the fair"}`, "lead.note.create"},
	{"PATCH /leads/{lead}/notes/{lead.note}", `{"text":"Met at the trade fair"}`, "lead.note.update"},
	{"DELETE /leads/{lead}/notes/{lead.note}", "", "lead.note.delete"},

	{"POST /providers/linkedin", `{"messages":[{"id":"m1","id_space":"{space}","id_lead":"{lead}","text":"Hi"}]}`, "lead.linkedin.new"},
	{"POST /providers/twitter", `{"messages":[{"id":"m2","id_space":"{space}","id_lead":"{lead}","text":"Hi"}]}`, "lead.twitter.new"},
	{"POST /providers/email", `{"messages":[{"id":"m3","id_space":"{space}","id_lead":"{lead}","text":"Hi"},{"id":"m4","id_space":"{space}","id_lead":"{lead}","text":"Hi"}]}`,
		"lead.email.new lead.email.new"},

	{"POST /campaigns", `{"name":"Spring"}`, "campaign.create"},
	{"PATCH /campaigns/{campaign}", `{"is_running":true}`, "campaign.update"},
	{"POST /providers/campaigns", `{"events":[{"id":"e1","type":"sent","id_space":"{space}"}]}`, "campaign.email.sent"},
	{"POST /providers/campaigns", `{"events":[{"id":"e2","type":"open","id_space":"{space}"},{"id":"e3","type":"click","id_space":"{space}"}]}`,
		"campaign.email.click campaign.email.open"},
	{"POST /providers/campaigns", `{"events":[{"id":"e4","type":"reply","id_space":"{space}"}]}`, "campaign.email.reply"},
	{"POST /providers/campaigns", `{"events":[{"id":"e5","type":"bounce","id_space":"{space}"}]}`, "campaign.email.bounce"},
	{"POST /providers/campaigns", `{"events":[{"id":"e6","type":"unsubscribe","id_space":"{space}"}]}`, "campaign.email.unsubscribe"},
	{"POST /providers/campaigns", `{"events":[{"id":"e7","type":"delayed","id_space":"{space}"}]}`, ""}, // not documented
	{"DELETE /campaigns/{campaign}", "", "campaign.delete"},

	{"DELETE /leads/{lead}", "", "lead.delete"},
	{"DELETE /lists/{list}", "", "list.delete"},
	{"DELETE /statuses/{status}", "", "status.delete"},
	{"DELETE /tags/{tag}", "", "tag.delete"},
	{"GET /leads", "", ""},
}

// documented are the events of the document, in its order.
var documented = strings.Fields(`
	lead.create lead.update lead.delete
	lead.status.update lead.list.update lead.tags.update lead.track lead.task.create lead.task.update lead.task.delete
	lead.note.create lead.note.update lead.note.delete
	lead.linkedin.new lead.twitter.new lead.email.new
	campaign.create campaign.update campaign.delete
	campaign.email.sent campaign.email.reply campaign.email.open campaign.email.click campaign.email.bounce campaign.email.unsubscribe
	list.create list.update list.delete status.create status.update status.delete tag.create tag.update tag.delete`)

// Each event comes of its call or of its provider's, and of no other, and is
// told to its space only.
func TestEachEventComesOfItsCall(t *testing.T) {
	p := start(t)
	seen := map[string]bool{}
	for _, step := range day {
		var got []string
		for _, w := range p.call(first, step.call, step.body) {
			if w.Subscription != "first" || w.Field("id_space") != first || w.Field("secret") != firstSecret {
				t.Errorf("%s: told %v", step.call, w)
			}
			got, seen[event(w)] = append(got, event(w)), true
		}
		slices.Sort(got) // two of one call are of two lanes
		if diff := cmp.Diff(step.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", step.call, step.body, diff)
		}
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(documented)), slices.Sorted(maps.Keys(seen))); diff != "" {
		t.Errorf("events (-documented +sent):\n%s", diff)
	}
}

// The body is the document's, with every member of a lead.
func TestTheBodyIsAsDocumented(t *testing.T) {
	p := start(t)
	got := p.call(first, "POST /leads", `{"first_name":"Jean","last_name":"remove"}`)
	if len(got) != 1 {
		t.Fatalf("got %v, want one webhook", got)
	}
	exampletest.Same(t, exampletest.Sample(t, "lead.create.json"), got[0].Body, "payload.id", "payload.created_at")
}

// What is deleted is told as it was, and what a provider reports as it came.
func TestThePayloadIsWhatTheEventIsAbout(t *testing.T) {
	p := start(t)
	p.call(first, "POST /tags", `{"name":"vip"}`)
	got := p.call(first, "DELETE /tags/{tag}", "")
	exampletest.Same(t, `{"id_space":"`+first+`","event":"tag.delete","secret":"`+firstSecret+`","payload":{"id":"`+p.ids["tag"]+
		`","name":"vip","color":null,"created_at":"2026-03-02T09:00:00.000Z","updated_at":null,"id_space":"`+first+`"}}`, got[0].Body, "payload.created_at")
	got = p.call(first, "POST /providers/email", `{"messages":[{"id":"m1","id_space":"{space}","text":"Hi","score":1.50}]}`)
	exampletest.Same(t, `{"id_space":"`+first+`","event":"lead.email.new","secret":"`+firstSecret+
		`","payload":{"id":"m1","id_space":"`+first+`","text":"Hi","score":1.50}}`, got[0].Body)
}

// A space is told of what happens in it, and of nothing else, in one call of a
// provider too.
func TestASpaceSeesItsOwnOnly(t *testing.T) {
	p := start(t)
	got := p.call(second, "POST /leads", `{"first_name":"Ann"}`)
	got = append(got, p.call(second, "PATCH /leads/{lead}", `{"city":"Oslo"}`)...)
	got = append(got, p.call(second, "DELETE /leads/{lead}", "")...)
	got = append(got, p.call(first, "POST /providers/campaigns", `{"events":[
		{"id":"e1","type":"open","id_space":"`+first+`"},{"id":"e2","type":"open","id_space":"`+second+`"},{"id":"e3","type":"open"}]}`)...)
	var told []string
	for _, w := range got {
		told = append(told, w.Subscription+" "+event(w)+" "+w.Field("id_space")+" "+w.Field("secret"))
	}
	slices.Sort(told)
	if diff := cmp.Diff([]string{
		"first campaign.email.open " + first + " " + firstSecret, "second campaign.email.open " + second + " " + secondSecret,
		"second lead.create " + second + " " + secondSecret, "second lead.delete " + second + " " + secondSecret, "second lead.update " + second + " " + secondSecret,
	}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// A failed delivery is not made again. After ten in a row the endpoint is paused,
// and gets nothing until it is resumed, and then what came meanwhile; another
// space's is not.
func TestTenFailuresPauseAndResumeGoesOn(t *testing.T) {
	for _, c := range []struct{ failing, space, other, otherSpace string }{{"first", first, "second", second}, {"second", second, "first", first}} {
		t.Run(c.failing, func(t *testing.T) {
			p := start(t)
			p.Answer(c.failing, http.StatusInternalServerError)
			got := p.call(c.space, "POST /tags", `{"name":"vip"}`)
			for n := range 9 {
				if status, _ := p.Subscription(c.failing); status != "active" {
					t.Fatalf("after %d failures it is %s", n+1, status)
				}
				got = append(got, p.call(c.space, "PATCH /tags/{tag}", `{"color":"`+strings.Repeat("x", n+1)+`"}`)...)
			}
			if len(got) != 10 {
				t.Errorf("%d requests were made for ten events: a failed one is made again", len(got))
			}
			if status, reason := p.Subscription(c.failing); status != "paused" || reason != "pause_after" {
				t.Errorf("after ten failures it is %s (%s), want paused (pause_after)", status, reason)
			}
			p.Answer(c.failing, http.StatusNoContent)
			if got := p.call(c.space, "PATCH /tags/{tag}", `{"color":"gold"}`); len(got) > 0 {
				t.Errorf("paused, and got %v", got)
			}
			if got := p.call(c.otherSpace, "POST /statuses", `{"name":"New"}`); len(got) != 1 || got[0].Subscription != c.other {
				t.Errorf("the other space got %v, want its webhook", got)
			}
			p.Run("subscriptions", "resume", c.failing)
			resumed := exampletest.Names(append(p.Told(), p.call(c.space, "POST /lists", `{"name":"Trade fair"}`)...), event)
			if diff := cmp.Diff([]string{"tag.update", "list.create"}, resumed); diff != "" {
				t.Errorf("resumed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheREADMEHasEveryRow(t *testing.T) {
	exampletest.Readme(t, append(documented, "id_space", "event", "secret", "payload", "10 times", "retry", "resumed")...)
}

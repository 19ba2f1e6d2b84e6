package derive_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/webhook"
)

// quiet journals an update of a project that is answered 204: only a GET shows
// what came of it.
func (l *line) quiet(id string) *webhook.Exchange {
	l.t.Helper()
	x := l.exchange(id, "")
	x.Response.Status = 204
	return l.end(x)
}

// told says of each event what it is, in order.
func told(events []webhook.Event) (lines []string) {
	for _, e := range events {
		lines = append(lines, fmt.Sprintf("%s %s #%d %s %s", e.Scope, e.Key.ID, e.Sequence, e.Provenance.After, e.After))
	}
	return lines
}

// An after-GET that died with its process is made by the service, when all is
// read that ended since: it tells of the last exchange on an entity only.
func TestAnAfterGetThatDiedWithItsProcessIsMade(t *testing.T) {
	shown := `{"id":%q,"n":%d,"name":"Roof"}`
	for name, c := range map[string]struct {
		service derive.Get
		journal func(l *line)
		want    []string
	}{
		"the last on its entity": {shows(shown, func(int) {}), func(l *line) { l.quiet("7") }, []string{
			`project.updated 7 #1 fetch {"id":"7","n":1,"name":"Roof"}`}},
		"two on one entity": {shows(shown, func(int) {}), func(l *line) { l.quiet("7"); l.quiet("7") }, []string{
			`project.updated 7 #1 none `, `project.updated 7 #2 fetch {"id":"7","n":1,"name":"Roof"}`}},
		"one that an answer told of after it": {shows(shown, func(int) {}), func(l *line) { l.quiet("7"); l.patch("7", 5) }, []string{
			`project.updated 7 #1 none `, `project.updated 7 #2 response {"id":"7","n":5,"name":"Roof","status":"open"}`}},
		"one in flight after it": {shows(shown, func(int) {}), func(l *line) { l.quiet("7"); l.begin(l.exchange("7", "")) }, []string{
			`project.updated 7 #1 none `, `project.gap 7 #2 fetch `}},
		"nobody may ask": {nil, func(l *line) { l.quiet("7") }, []string{`project.updated 7 #1 none `}},
		"cut off": {shows(shown, func(int) {}), func(l *line) { l.cut("7") }, []string{
			`project.updated 7 #1 fetch {"id":"7","n":1,"name":"Roof"}`}},
		"cut off, and nobody may ask": {nil, func(l *line) { l.cut("7") }, []string{`project.gap 7 #1 none `}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := openLine(t, dir)
			c.journal(l)
			l.close()
			l = openLine(t, dir)
			defer func() { l.close() }()
			l.service = c.service
			l.run().seen.wait(t, "recorded", len(c.want))
			if got := told(l.events()); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// A call in flight that names several by its query is asked about each: what is
// gone was deleted, what is there may be deleted yet. Of one on which a later call was in
// flight, too, one GET is made, for that one.
func TestACallInFlightOnSeveralIsAskedAboutEach(t *testing.T) {
	dir := t.TempDir()
	l := openLine(t, dir)
	for _, id := range []string{"7", "8", "9"} {
		l.patch(id, 1)
	}
	x := l.exchange("7", "")
	x.Request.Method, x.Request.Path, x.Request.Query = "DELETE", "/projects", "ids=7,8,9"
	l.begin(x)
	l.begin(l.exchange("9", ""))
	l.close()
	l = openLine(t, dir)
	defer func() { l.close() }()
	var mu sync.Mutex
	asked := map[string]int{}
	l.service = func(ctx context.Context, path string) *webhook.Observation {
		mu.Lock()
		defer mu.Unlock()
		asked[path]++
		o := shows(`{"id":%q,"n":%d,"name":"Roof","status":"open"}`, func(int) {})(ctx, path)
		if strings.HasSuffix(path, "/7") {
			o.Status, o.Body.Bytes = 404, nil
		}
		return o
	}
	l.run().seen.wait(t, "recorded", 5)
	want := []string{"project.deleted 7 #2 fetch ", "project.gap 8 #2 fetch ", "project.gap 9 #2 none ", "project.gap 9 #3 fetch "}
	got := told(slices.DeleteFunc(l.events(), func(e webhook.Event) bool { return e.Sequence == 1 }))
	if len(got) != len(want) || !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	mu.Lock()
	defer mu.Unlock()
	if len(asked) != 3 {
		t.Errorf("asked %v", asked)
	}
	for path, n := range asked {
		if n != 1 {
			t.Errorf("%d GETs of %s", n, path)
		}
	}
}

// cut journals an update of a project whose answer broke off.
func (l *line) cut(id string) *webhook.Exchange {
	l.t.Helper()
	x := l.exchange(id, "")
	x.Ending, x.Response.Body = webhook.Truncated, webhook.Body{Missing: webhook.CutOff}
	return l.end(x)
}

// More exchanges than may wait are all recorded: the line does not stand still for
// GETs that are made when it is read to its end.
func TestWhatIsOwedIsBounded(t *testing.T) {
	dir := t.TempDir()
	l := openLine(t, dir)
	const n = 1500
	for i := range n {
		l.quiet(fmt.Sprint(i))
	}
	l.quiet("last")
	l.close()
	l = openLine(t, dir)
	defer func() { l.close() }()
	l.service = func(ctx context.Context, path string) *webhook.Observation {
		return shows(`{"id":%q,"n":%d,"name":"Roof"}`, func(int) {})(ctx, path)
	}
	l.run().seen.wait(t, "recorded", n+1)
	fetched := 0
	for _, e := range l.events() {
		if e.Provenance.After == webhook.FromFetch {
			fetched++
		}
	}
	if fetched < 200 || fetched > 256 {
		t.Errorf("%d events are told by a GET, want about 256 of %d", fetched, n+1)
	}
}

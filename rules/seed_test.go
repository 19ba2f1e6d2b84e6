package rules_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

var seeds = &rules.Config{Resources: []rules.Resource{
	{Name: "project", Path: "/projects"}, {Name: "task", Path: "/projects/{project}/tasks", Item: "/tasks/{id}"},
	{Name: "profile", Path: "/profile", Singular: true},
}}

func jsonBody(text string) (webhook.Body, webhook.Header) {
	return webhook.Body{Bytes: []byte(text)}, webhook.Header{"Content-Type": {"application/json"}}
}

func TestReadPage(t *testing.T) {
	p, err := rules.Compile(seeds)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		items, body string
		cursor      string   // its path
		want        []string // ids
		next, err   string
		unnamed     int
		at          string // the cursor
		ends        bool
	}{
		"the body itself":              {body: `[{"id":1},{"id":"b"}]`, want: []string{"1", "b"}},
		"the one list in it":           {body: `{"ok":true,"projects":[{"id":1}],"tags":["a"],"next":"?page=2"}`, want: []string{"1"}, next: "?page=2"},
		"HAL":                          {body: `{"_embedded":{"p":[{"id":7}]},"_links":{"next":{"href":"/projects?after=7"}}}`, want: []string{"7"}, next: "/projects?after=7"},
		"JSON:API":                     {body: `{"data":[{"type":"p","id":"7","attributes":{"a":1}}],"included":[{"id":"x"}],"links":{"next":"http://api/projects?page%5Bnumber%5D=2"}}`, want: []string{"7"}, next: "http://api/projects?page%5Bnumber%5D=2"},
		"a number is no next page":     {body: `{"items":[{"id":1}],"next":2}`, want: []string{"1"}},
		"a token is none":              {body: `{"items":[{"id":1}],"next":"bmV4dA=="}`, want: []string{"1"}},
		"an empty list":                {body: `{"items":[],"next":null}`, ends: true},
		"a cursor":                     {body: `{"items":[{"id":1}],"meta":{"next_cursor":"a=b"}}`, cursor: "meta.next_cursor", want: []string{"1"}, at: "a=b"},
		"a cursor that is a number":    {body: `{"items":[{"id":1}],"next":17}`, cursor: "next", want: []string{"1"}, at: "17"},
		"the last cursor":              {body: `{"items":[{"id":1}],"meta":{"next_cursor":null}}`, cursor: "meta.next_cursor", want: []string{"1"}, ends: true},
		"the last cursor, empty":       {body: `{"items":[{"id":1}],"nextPageToken":""}`, cursor: "nextPageToken", want: []string{"1"}, ends: true},
		"no cursor there":              {body: `{"items":[{"id":1}],"next_cursor":"a"}`, cursor: "meta.next_cursor", want: []string{"1"}},
		"elements without an id":       {body: `[{"name":"a"},{"id":1},5]`, want: []string{"1"}, unnamed: 2},
		"a list that is named":         {items: "result.rows", body: `{"result":{"rows":[{"id":3}],"more":[{"id":4}]}}`, want: []string{"3"}},
		"two lists and none is named":  {body: `{"a":[{"id":3}],"b":[{"id":4}]}`, err: "there are 2 lists in the page: say which is meant, with a path like data.items"},
		"no list":                      {body: `{"ok":true}`, err: "there is no list in the page: say where, with a path like data.items"},
		"a list that is named wrongly": {items: "rows", body: `[]`, err: "there is no list at rows of the page"},
		"no JSON":                      {body: `<html>`, err: "the page is no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := p.MatchList("project", "")
			if err != nil {
				t.Fatal(err)
			}
			body, header := jsonBody(c.body)
			page, err := m.ReadPage(c.items, c.cursor, body, header)
			if err != nil {
				if err.Error() != c.err {
					t.Errorf("error %v, want %s", err, c.err)
				}
				return
			}
			var ids []string
			for _, l := range page.Listed {
				if ids = append(ids, l.ID); l.Path != "/projects/"+l.ID {
					t.Errorf("%s is at %s", l.ID, l.Path)
				}
			}
			if diff := cmp.Diff(c.want, ids); diff != "" || page.Next != c.next || page.Unnamed != c.unnamed || page.Cursor != c.at || page.Ends != c.ends || c.err != "" {
				t.Errorf("ids %v, %+v", ids, page)
			}
		})
	}
}

func TestMatchListSaysWhichListsThereAre(t *testing.T) {
	p, err := rules.Compile(seeds)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ resource, path, err string }{
		{"task", "/projects/3/tasks", ""},
		{"task", "", "the lists of task are at /projects/{project}/tasks: say which, with a path like it"},
		{"project", "/tasks", "the lists of project are at /projects: say which, with a path like it"},
		{"profile", "", "resource profile is singular: it has no list"},
		{"bill", "", "there is no resource bill here: it has project, task, profile"},
	} {
		m, err := p.MatchList(c.resource, c.path)
		switch {
		case err != nil && err.Error() != c.err, err == nil && (c.err != "" || m.ListPath() != c.path):
			t.Errorf("%s at %q: %v, want %q", c.resource, c.path, err, c.err)
		}
	}
}

// A seed keeps what nothing was known of and what was seen before the list was
// asked for, and leaves alone what is later, or gone. It earns nothing.
func TestASeedLeavesAloneWhatIsLater(t *testing.T) {
	p, err := rules.Compile(seeds)
	if err != nil {
		t.Fatal(err)
	}
	asked := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	body, header := jsonBody(`[{"id":1,"n":1},{"id":2,"n":1},{"id":3,"n":1},{"id":4,"n":1},{"id":1,"n":9}]`)
	x := &webhook.Exchange{
		ID: webhook.NewExchangeID(asked), Seed: "project", Service: true, Started: asked, Ended: asked.Add(time.Second),
		Request:  webhook.Request{Method: "GET", Path: "/projects"},
		Response: webhook.Response{Status: 200, Body: body, Header: header},
	}
	plan := p.Plan(x)
	var before []webhook.Snapshot
	for _, key := range plan.Keys(nil) {
		s := webhook.Snapshot{Key: key}
		switch key.ID {
		case "2":
			s.Sequence, s.Body, s.Seen, s.View = 3, []byte(`{"id":2,"n":0}`), asked.Add(-time.Hour), "get#service"
		case "3":
			s.Sequence, s.Body, s.Seen = 3, []byte(`{"id":3,"n":2}`), asked.Add(time.Millisecond)
		case "4":
			s.Sequence, s.Deleted, s.Seen = 3, true, asked.Add(-time.Hour)
		}
		before = append(before, s)
	}
	got, err := p.Derive(x, plan, before, nil)
	if err != nil || len(got.Events) > 0 {
		t.Fatalf("%d events, %v", len(got.Events), err)
	}
	kept := map[string]string{}
	for _, s := range got.Snapshots {
		kept[s.Key.ID] = string(s.Body)
		if s.Key.ID == "2" && s.Sequence != 3 || s.Via != webhook.FromFetch || !s.Seen.Equal(x.Ended) {
			t.Errorf("the snapshot of %s is #%d via %s of %s", s.Key.ID, s.Sequence, s.Via, s.Seen)
		}
	}
	if diff := cmp.Diff(map[string]string{"1": `{"id":1,"n":1}`, "2": `{"id":2,"n":1}`}, kept); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

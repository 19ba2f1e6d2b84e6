// Package githubissues is a plain API in the style of GitHub's issues: labels,
// assignees, a milestone and a lock. It has no webhooks; the Caddyfile beside it
// gives it GitHub's.
package githubissues

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/examples/internal/plain"
)

// colours are those of the labels that everybody has.
var colours = map[string]string{"bug": "d73a4a", "documentation": "0075ca", "enhancement": "a2eeef", "question": "d876e3"}

// api keeps what issues refer to: each label and milestone is one object.
type api struct {
	*plain.API
	issues             *plain.Collection
	labels, milestones map[string]plain.Doc
	admins             map[string]bool // by login
}

// New returns an API without issues. now is its clock; nil is time.Now.
func New(now func() time.Time) http.Handler {
	a := &api{API: plain.New(now), labels: map[string]plain.Doc{}, milestones: map[string]plain.Doc{}, admins: map[string]bool{}}
	a.issues = a.Add(plain.Collection{
		Name: "issue", Path: "/repos/{owner}/{repo}/issues", ID: "number", First: 1347,
		Fields: `{"url":"","id":0,"number":0,"title":"","user":null,"labels":[],"state":"open","locked":false,
			"assignee":null,"assignees":[],"milestone":null,"comments":0,"created_at":"","updated_at":"","closed_at":null,"body":null}`,
		Created: "created_at", Updated: "updated_at",
		ReadOnly: []string{"url", "id", "user", "locked", "closed_at", "comments", "assignee"},
		Preset: func(r *http.Request, doc plain.Doc) {
			doc["url"] = fmt.Sprintf("https://api.github.example%s/%s", r.URL.Path, doc["number"])
			doc["id"] = plain.Number("444500" + fmt.Sprint(doc["number"]))
			doc["user"] = a.person(r.Header.Get("X-Login"))
		},
		Hidden: func(r *http.Request, doc plain.Doc) bool {
			repo := "/repos/" + r.PathValue("owner") + "/" + r.PathValue("repo") + "/"
			return !strings.Contains(plain.Text(doc, "url"), repo)
		},
		Complete: a.complete,
	})
	a.actions()
	a.besides()
	return a
}

// actions adds the calls below an issue. Those on labels answer with the labels,
// as GitHub's do.
func (a *api) actions() {
	labels := func(do func(now []any, c *plain.Call) []any) func(*plain.Call) error {
		return func(c *plain.Call) error {
			now := a.toLabels(do(c.Entity["labels"].([]any), c))
			c.Entity["labels"], c.Answer = now, now
			return nil
		}
	}
	add := func(now []any, c *plain.Call) []any { return append(now, wanted(c, "labels")...) }
	a.issues.Action("POST", "/labels", labels(add))
	a.issues.Action("PUT", "/labels", labels(func(_ []any, c *plain.Call) []any { return wanted(c, "labels") }))
	a.issues.Action("DELETE", "/labels", labels(func([]any, *plain.Call) []any { return nil }))
	a.issues.Action("DELETE", "/labels/{label}", labels(func(now []any, c *plain.Call) []any {
		return without(now, "name", c.PathValue("label"))
	}))
	a.issues.Action("POST", "/assignees", func(c *plain.Call) error {
		c.Entity["assignees"] = append(c.Entity["assignees"].([]any), wanted(c, "assignees")...)
		c.Status = http.StatusCreated
		return nil
	})
	a.issues.Action("DELETE", "/assignees", func(c *plain.Call) error {
		for _, login := range wanted(c, "assignees") {
			c.Entity["assignees"] = without(c.Entity["assignees"].([]any), "login", login)
		}
		return nil
	})
	for method, locked := range map[string]bool{"PUT": true, "DELETE": false} {
		a.issues.Action(method, "/lock", func(c *plain.Call) error {
			c.Entity["locked"], c.Status = locked, http.StatusNoContent
			return nil
		})
	}
}

// besides adds the calls that change what issues show, and no issue.
func (a *api) besides() {
	a.Handle("PATCH /repos/{owner}/{repo}/labels/{name}", http.StatusOK, func(c *plain.Call) (any, error) {
		label := a.labels[c.PathValue("name")]
		if label == nil {
			return nil, errors.New("there is no such label")
		}
		label["color"] = c.Body["color"]
		return label, nil
	})
	a.Handle("PUT /users/{username}/site_admin", http.StatusNoContent, func(c *plain.Call) (any, error) {
		a.admins[c.PathValue("username")] = true
		return nil, nil
	})
}

// complete makes objects of what callers name, and keeps the time of closing.
func (a *api) complete(issue, old plain.Doc) error {
	if plain.Text(issue, "title") == "" {
		return errors.New("title is missing")
	}
	issue["labels"] = a.toLabels(issue["labels"].([]any))
	issue["assignees"] = a.people(issue["assignees"].([]any))
	issue["assignee"] = nil
	if all := issue["assignees"].([]any); len(all) > 0 {
		issue["assignee"] = all[0]
	}
	if number, ok := issue["milestone"].(interface{ String() string }); ok {
		issue["milestone"] = a.milestone(number.String())
	}
	switch closed := issue["state"] == "closed"; {
	case closed && (old == nil || old["state"] != "closed"):
		issue["closed_at"] = a.Now()
	case !closed:
		issue["closed_at"] = nil
	}
	return plain.OneOf(issue, "state", "open", "closed")
}

// toLabels turns names into labels, each once.
func (a *api) toLabels(list []any) []any {
	out := []any{}
	for _, l := range list {
		name, isName := l.(string)
		if !isName {
			name = plain.Text(l.(plain.Doc), "name")
		}
		if a.labels[name] == nil {
			colour, known := colours[name]
			if !known {
				colour = "ededed"
			}
			id := strconv.Itoa(208045946 + len(a.labels))
			a.labels[name] = plain.Doc{"id": plain.Number(id), "name": name, "color": colour, "default": known}
		}
		if !slices.ContainsFunc(out, func(o any) bool { return plain.Text(o.(plain.Doc), "name") == name }) {
			out = append(out, a.labels[name])
		}
	}
	return out
}

func (a *api) milestone(number string) plain.Doc {
	if a.milestones[number] == nil {
		a.milestones[number] = plain.Doc{"number": plain.Number(number), "title": "v" + number + ".0", "state": "open"}
	}
	return a.milestones[number]
}

// person is a user, whose id is made of the login.
func (a *api) person(login string) plain.Doc {
	id := 0
	for _, r := range login {
		id = id*31 + int(r)
	}
	return plain.Doc{"login": login, "id": plain.Number(strconv.Itoa(id % 1_000_000)), "type": "User", "site_admin": a.admins[login]}
}

// people turns logins into users, each once.
func (a *api) people(list []any) []any {
	out := []any{}
	for _, p := range list {
		login, isLogin := p.(string)
		if !isLogin {
			login = plain.Text(p.(plain.Doc), "login")
		}
		out = append(without(out, "login", login), a.person(login))
	}
	return out
}

// wanted returns what a call names: a list, or one in an object.
func wanted(c *plain.Call, field string) []any {
	if list, ok := c.Body[field].([]any); ok {
		return list
	}
	return c.List
}

// without returns list but for the objects whose field has value.
func without(list []any, field string, value any) []any {
	return slices.DeleteFunc(slices.Clone(list), func(e any) bool {
		doc, ok := e.(plain.Doc)
		return ok && doc[field] == value
	})
}

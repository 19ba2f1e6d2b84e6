package githubissues_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	githubissues "github.com/sidehook/sidehook/examples/github-issues"
	"github.com/sidehook/sidehook/examples/internal/exampletest"
)

const secret = "It's a Secret to Everybody"

func TestMain(m *testing.M) { exampletest.Main(m) }

func start(t *testing.T) *exampletest.Stage {
	t.Helper()
	return exampletest.Start(t, githubissues.New(nil), "GITHUB_SECRET="+secret)
}

// play makes a call as mona, and returns what came of it as "action" or
// "action:what".
func play(t *testing.T, s *exampletest.Stage, call, body string) (actions []string, all []exampletest.Webhook) {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	all = s.Play(method, path, body, "X-Login", "mona")
	for _, w := range all {
		var b struct {
			Action    string
			Label     *struct{ Name string }
			Assignee  *struct{ Login string }
			Milestone *struct{ Title string }
		}
		if err := json.Unmarshal([]byte(w.Body), &b); err != nil {
			t.Fatalf("%v: %s", err, w.Body)
		}
		switch {
		case b.Label != nil:
			b.Action += ":" + b.Label.Name
		case b.Assignee != nil:
			b.Action += ":" + b.Assignee.Login
		case b.Milestone != nil:
			b.Action += ":" + b.Milestone.Title
		}
		actions = append(actions, b.Action)
	}
	return actions, all
}

const issue = "/repos/octo/hello/issues/1347"

// Each action comes of its call, once for each label and assignee, and of no
// other.
func TestEachActionComesOfItsCall(t *testing.T) {
	s := start(t)
	for _, step := range []struct {
		call, body string
		want       []string
	}{
		{"POST /repos/octo/hello/issues", `{"title":"It is borken"}`, []string{"opened"}},
		{"PATCH " + issue, `{"title":"It is broken"}`, []string{"edited"}},
		{"PATCH " + issue, `{"title":"It is broken"}`, nil},
		{"PATCH " + issue, `{"labels":["bug","question"]}`, []string{"labeled:bug", "labeled:question"}},
		{"POST " + issue + "/labels", `{"labels":["bug","good first issue"]}`, []string{"labeled:good first issue"}},
		{"PATCH /repos/octo/hello/labels/bug", `{"color":"ff0000"}`, nil},
		{"PATCH " + issue, `{"body":"It is the same label."}`, []string{"edited"}},
		{"DELETE " + issue + "/labels/question", "", []string{"unlabeled:question"}},
		{"PUT " + issue + "/labels", `["documentation"]`, []string{"labeled:documentation", "unlabeled:bug", "unlabeled:good first issue"}},
		{"DELETE " + issue + "/labels", "", []string{"unlabeled:documentation"}},
		{"POST " + issue + "/assignees", `{"assignees":["hubot","monalisa"]}`, []string{"assigned:hubot", "assigned:monalisa"}},
		{"PUT /users/hubot/site_admin", "", nil},
		{"PATCH " + issue, `{"body":"It is the same person."}`, []string{"edited"}},
		{"DELETE " + issue + "/assignees", `{"assignees":["hubot"]}`, []string{"unassigned:hubot"}},
		{"PATCH " + issue, `{"milestone":1}`, []string{"milestoned:v1.0"}},
		{"PATCH " + issue, `{"milestone":2}`, []string{"demilestoned:v1.0", "milestoned:v2.0"}},
		{"PATCH " + issue, `{"milestone":null}`, []string{"demilestoned:v2.0"}},
		{"PUT " + issue + "/lock", "", []string{"locked"}},
		{"DELETE " + issue + "/lock", "", []string{"unlocked"}},
		{"PATCH " + issue, `{"state":"closed"}`, []string{"closed"}},
		{"PATCH " + issue, `{"state":"open","title":"It is broken again"}`, []string{"edited", "reopened"}},
		{"DELETE " + issue, "", []string{"deleted"}},
		{"POST /repos/octo/hello/issues", `{"title":"Two labels","labels":["bug","question"],"assignees":["hubot"]}`,
			[]string{"opened", "labeled:bug", "labeled:question", "assigned:hubot"}},
	} {
		got, _ := play(t, s, step.call, step.body)
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", step.call, step.body, diff)
		}
	}
}

// The bodies are GitHub's: action, issue, repository and sender, and what the
// action adds, no other key.
func TestTheBodiesAreGitHubs(t *testing.T) {
	s := start(t)
	free := []string{"issue.created_at", "issue.updated_at"}
	_, got := play(t, s, "POST /repos/octo/hello/issues", `{"title":"It is borken","body":"See the title."}`)
	exampletest.Same(t, exampletest.Sample(t, "opened.json"), got[0].Body, free...)
	_, got = play(t, s, "PATCH "+issue, `{"title":"It is broken"}`)
	exampletest.Same(t, exampletest.Sample(t, "edited.json"), got[0].Body, free...)
	_, got = play(t, s, "POST "+issue+"/labels", `{"labels":["bug"]}`)
	exampletest.Same(t, exampletest.Sample(t, "labeled.json"), got[0].Body, free...)
}

// changes.title.from is the old title, changes.body.from the old text, each only
// if it changed.
func TestChangesSayFromWhat(t *testing.T) {
	s := start(t)
	play(t, s, "POST /repos/octo/hello/issues", `{"title":"A"}`)
	for _, step := range [][2]string{
		{`{"title":"B"}`, `{"title":{"from":"A"}}`},
		{`{"body":"x"}`, `{"body":{"from":null}}`},
		{`{"title":"C","body":"y"}`, `{"title":{"from":"B"},"body":{"from":"x"}}`},
	} {
		_, got := play(t, s, "PATCH "+issue, step[0])
		var b struct{ Changes json.RawMessage }
		if len(got) != 1 || json.Unmarshal([]byte(got[0].Body), &b) != nil {
			t.Fatalf("PATCH %s: %v", step[0], got)
		}
		exampletest.Same(t, step[1], string(b.Changes))
	}
}

// The signature is sha256= and the HMAC-SHA256 of the body in hexadecimal; the
// headers name the event, the delivery and the hook.
func TestTheHeadersAreGitHubs(t *testing.T) {
	s := start(t)
	_, got := play(t, s, "POST /repos/octo/hello/issues", `{"title":"Ünïcode <&>"}`)
	if len(got) != 1 {
		t.Fatalf("got %v, want one webhook", got)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(got[0].Body))
	h := got[0].Header
	if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); h.Get("X-Hub-Signature-256") != want {
		t.Errorf("signature %q, want %q", h.Get("X-Hub-Signature-256"), want)
	}
	if h.Get("X-GitHub-Event") != "issues" || h.Get("X-GitHub-Delivery") == "" || h.Get("X-GitHub-Hook-ID") != "1" ||
		h.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", h)
	}
}

func TestTheREADMEHasEveryRow(t *testing.T) {
	exampletest.Readme(t, "opened", "edited", "deleted", "closed", "reopened", "labeled", "unlabeled", "assigned", "unassigned",
		"milestoned", "demilestoned", "locked", "unlocked", "X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature-256")
}

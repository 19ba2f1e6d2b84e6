package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/sidehook/sidehook/examples/crud"
	"github.com/sidehook/sidehook/examples/receiver"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// TestTheAPIAnswersTheStory plays the calls straight at the API: what the
// story says of its answers does not depend on Sidehook.
func TestTheAPIAnswersTheStory(t *testing.T) {
	api := httptest.NewServer(crud.New(crud.Options{NoContent: []string{"contact"}}))
	defer api.Close()
	s := &stage{site: api.URL}
	for _, step := range story {
		if step.method == "" {
			continue
		}
		if err := s.call(step, &bytes.Buffer{}); err != nil {
			t.Error(err)
		}
	}
}

func TestTheVerdictNamesWhatIsMissingAndWhatIsTooMuch(t *testing.T) {
	s := withReceivers(t)
	s.played = len(story)
	for _, w := range wanted("crm", story)[1:] {
		arrive(t, s.receivers["crm"], w)
	}
	arrive(t, s.receivers["crm"], want{scope: "project.updated", subject: "project 1001 #9"})
	for _, w := range wanted("billing", story) {
		arrive(t, s.receivers["billing"], w)
	}
	got := strings.Split(s.difference(), "\n")
	for i := range got {
		got[i], _, _ = strings.Cut(got[i], "  [")
	}
	if diff := cmp.Diff([]string{
		"+ crm: project.updated  project 1001 #9",
		`- crm: project.created  project 1001 #1  "amount":15000.00`,
	}, got); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

func TestTheVerdictSeesDisorder(t *testing.T) {
	s := withReceivers(t)
	arrive(t, s.receivers["crm"], want{scope: "task.updated", subject: "task 1 #2"})
	if got := s.disorder(); got != "" {
		t.Errorf("disorder in a single webhook: %s", got)
	}
	arrive(t, s.receivers["crm"], want{scope: "task.created", subject: "task 1 #1"})
	if got := s.disorder(); got != "crm got task.created  task 1 #1 after #2" {
		t.Errorf("disorder %q", got)
	}
}

func TestARefusedAttemptIsNoArrival(t *testing.T) {
	s := withReceivers(t)
	s.setDown("crm", true)
	w := wanted("crm", story)[0]
	arrive(t, s.receivers["crm"], w)
	if err := s.recover("crm", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := await(s.receivers["crm"], 0, func(a receiver.Arrival) bool { return a.Accepted() }); err == nil {
		t.Error("a refused attempt counts as arrived")
	}
	arrive(t, s.receivers["crm"], w)
	if err := s.expect(w, &bytes.Buffer{}); err != nil {
		t.Error(err)
	}
}

func withReceivers(t *testing.T) *stage {
	t.Helper()
	s := &stage{receivers: map[string]*receiver.Receiver{}, isDown: map[string]bool{}}
	for _, name := range names {
		r, err := receiver.New(secret, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.receivers[name] = r
	}
	return s
}

// arrive sends to r what w describes.
func arrive(t *testing.T, r *receiver.Receiver, w want) {
	t.Helper()
	subject := strings.NewReplacer("#", "").Replace(w.subject)
	parts := strings.Fields(subject)
	body := `{"type":"` + w.scope + `","entity":{"type":"` + parts[0] + `","id":"` + parts[1] + `","sequence":` + parts[2] + `}` + changed(w) + `}`
	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	id := "evt_" + w.scope + w.subject
	signature, err := signer.Sign(id, now, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, "/webhooks", strings.NewReader(body))
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", signature)
	r.ServeHTTP(httptest.NewRecorder(), req)
}

// changed turns the changes of w back into previous and data, flat: their
// paths are single names here.
func changed(w want) string {
	if w.changes == "" {
		return `,"data":{` + w.has + `}`
	}
	var previous, data []string
	for change := range strings.SplitSeq(w.changes, ", ") {
		path, values, ok := strings.Cut(change, ": ")
		if !ok { // a comma inside a value
			data[len(data)-1] = strings.TrimSuffix(data[len(data)-1], `"`) + `, ` + change + `"`
			continue
		}
		old, now, _ := strings.Cut(values, " → ")
		previous = append(previous, `"`+path+`":`+quoted(old))
		data = append(data, `"`+path+`":`+quoted(now))
	}
	return `,"previous":{` + strings.Join(previous, ",") + `},"data":{` + strings.Join(data, ",") + `}`
}

func quoted(shown string) string {
	if shown == "–" {
		return "null"
	}
	if strings.HasPrefix(shown, "[") || strings.Trim(shown, "0123456789.") == "" {
		return shown
	}
	return `"` + shown + `"`
}

package derive_test

import (
	"context"
	"testing"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/webhook"
)

// What is recorded of an entity is its state before a call once every other call
// that ended there is recorded. Calls that are open have no part in that.
func TestACallIsBehindThoseThatAreNotRecorded(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		want := func(c *derive.Call, want bool, when string) {
			t.Helper()
			if got := c.Behind(project5); got != want {
				t.Errorf("behind %v %s", got, when)
			}
		}
		first := tr.Enter(t.Context(), project5, gateTime)
		gone := leave(first)
		want(first, false, "though it is the first")
		first.Settle()

		second := tr.Enter(t.Context(), project5, gateTime)
		open := tr.Enter(t.Context(), project5, gateTime)
		leave(second)
		want(second, true, "while the first is not recorded")
		unnamed := tr.EnterUnnamed(webhook.EntityKey{})
		leave(unnamed)
		want(unnamed, true, "a call that changes no entity")
		tr.Forget(gone)
		want(second, false, "once the first is recorded, while another is open")
		open.Drop()
		second.Settle()
		unnamed.Settle()
	})
}

// A call whose path names no entity may be about any of its resource until somebody
// says which.
func TestACallIsBehindThoseThatMayBeAboutItsEntity(t *testing.T) {
	other, elsewhere := project5, project5
	other.ID, elsewhere.Resource = "6", "customer"
	for name, enter := range map[string]func(tr *derive.Traffic) *derive.Call{
		"create": func(tr *derive.Traffic) *derive.Call { return tr.EnterUnnamed(project5) },
		"bulk":   func(tr *derive.Traffic) *derive.Call { return tr.EnterList(project5) },
	} {
		t.Run(name, func(t *testing.T) {
			traffic(t, func(t *testing.T, tr *derive.Traffic) {
				one, two := enter(tr), enter(tr)
				next := tr.Enter(t.Context(), project5, 0)
				want := func(five, six bool, when string) {
					t.Helper()
					for key, want := range map[webhook.EntityKey]bool{project5: five, other: six, elsewhere: false} {
						if got := next.Behind(key); got != want {
							t.Errorf("behind %v %s, on %s", got, when, key)
						}
					}
				}
				want(false, false, "calls that are open")
				gone1, gone2 := leave(one), leave(two)
				leave(next)
				next.Settle()
				want(true, true, "what nobody knows")
				if !one.Behind(project5) {
					t.Error("the first is not behind the second")
				}
				one.Observe(project5, func(context.Context) *webhook.Observation { return &webhook.Observation{} })
				tr.Wait(t.Context(), gone1)
				want(true, true, "what is half known")
				two.Settle()
				tr.Forget(gone2)
				want(true, false, "what was found to be there")
				tr.Forget(gone1)
				want(false, false, "what is recorded")
			})
		})
	}
}

// What an exchange is about is known once it is read, until it is recorded.
func TestACallIsBehindWhatIsReadAndNotRecorded(t *testing.T) {
	l := openLine(t, t.TempDir())
	defer func() { l.close() }()
	next := l.traffic.Enter(t.Context(), projectKey("1"), 0)
	create := l.traffic.EnterUnnamed(projectKey(""))
	x := l.exchange("", `{"id":"7","name":"Roof","n":1}`)
	x.Request.Method, x.Request.Path, x.Response.Status = "POST", "/projects", 201
	l.leave(create, x)
	behind(t, next, "7", true, "what is not read")
	behind(t, next, "6", true, "what is not read")
	l.patch("8", 1)
	l.run().seen.wait(t, "recorded", 1)
	behind(t, next, "7", true, "what is read")
	behind(t, next, "6", false, "what is read")
	create.Settle()
	l.seen.wait(t, "recorded", 2)
	l.patch("8", 2)
	l.seen.wait(t, "recorded", 3) // and so the one before is over and done with
	behind(t, next, "7", false, "what is recorded")
}

// Of what an earlier process left nobody says what it is about.
func TestACallIsBehindWhatAnEarlierProcessLeft(t *testing.T) {
	dir := t.TempDir()
	l := openLine(t, dir)
	l.quiet("9")
	l.begin(l.exchange("9", ""))
	l.close()
	l = openLine(t, dir)
	defer func() { l.close() }()
	answer := make(chan struct{})
	l.service = func(ctx context.Context, path string) *webhook.Observation {
		<-answer
		return showsBody(`{"id":"9","n":3,"name":"Roof","status":"open"}`)(ctx, path)
	}
	l.open()
	next := l.traffic.Enter(t.Context(), projectKey("7"), 0)
	behind(t, next, "7", true, "what is not read")
	l.run()
	<-l.deriver.CaughtUp()
	behind(t, next, "7", true, "what is read")
	close(answer)
	l.seen.wait(t, "recorded", 2)
	l.patch("8", 1)
	l.seen.wait(t, "recorded", 3) // and so those before are over and done with
	behind(t, next, "7", false, "what is recorded")
}

func behind(t *testing.T, c *derive.Call, id string, want bool, of string) {
	t.Helper()
	if got := c.Behind(projectKey(id)); got != want {
		t.Errorf("project %s is behind %s: %v, want %v", id, of, got, want)
	}
}

// Of more calls than are remembered nobody knows what they were about, until those that
// are remembered are recorded.
func TestACallIsBehindCallsThatAreNotRemembered(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		other := project5
		other.ID = "6"
		var kept []webhook.ExchangeID
		for range 1 << 14 {
			c := tr.Enter(t.Context(), other, 0)
			kept = append(kept, leave(c))
			c.Settle()
		}
		beyond := tr.Enter(t.Context(), project5, 0)
		next := tr.Enter(t.Context(), project5, 0)
		want := func(want bool, when string) {
			t.Helper()
			if got := next.Behind(project5); got != want {
				t.Errorf("behind %v %s", got, when)
			}
		}
		want(false, "before the call ended")
		leave(beyond)
		beyond.Settle()
		want(true, "once it did, and is not remembered")
		tr.Forget(kept[0])
		want(true, "while others are not recorded")
		for _, id := range kept[1:] {
			tr.Forget(id)
		}
		want(false, "once all are")
		next.Drop()
	})
}

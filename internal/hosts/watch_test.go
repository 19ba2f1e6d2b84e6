package hosts

import "testing"

// watched is a client of an application that keeps no list of changes: its
// database is read, past Sidehook, after each call, and what is different there
// is what changed.
type watched struct {
	*client
	account account
	now     func() map[string]string // the entities in the database
	past    bool                     // what this client's calls change, Sidehook cannot see
}

func watch(c *client, a account, now func() map[string]string) *watched {
	return &watched{client: c, account: a, now: now}
}

// does is client.does, and a look at the database.
func (w *watched) does(status int, method, path, body string, header ...string) string {
	w.t.Helper()
	answer := w.client.does(status, method, path, body, header...)
	w.look(w.t)
	return answer
}

func (w *watched) look(t *testing.T) {
	t.Helper()
	now := w.now()
	for entity, body := range now {
		if states := w.account[entity]; len(states) == 0 || text(object(t, states[len(states)-1].body)) != text(object(t, body)) {
			w.account[entity] = append(states, state{body: body, unseen: w.past})
		}
	}
	for entity, states := range w.account {
		if _, live := now[entity]; !live && states[len(states)-1].body != "" {
			w.account[entity] = append(states, state{unseen: w.past})
		}
	}
}

// tries is does, whatever the answer.
func (w *watched) tries(method, path, body string) {
	w.t.Helper()
	w.call(method, path, body)
	w.look(w.t)
}

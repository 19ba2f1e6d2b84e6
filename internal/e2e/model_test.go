package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// step is one call of a sequence, as its seed makes it.
type step struct {
	Verb   string // POST, PATCH, PUT, DELETE
	Of     int    // which of the entities made so far, modulo their number
	Set    map[string]any
	Answer string // full, ok, created, empty, receipt, part
	Gzip   bool
	Fate   string // "": answered; refused, cut, lost, reset (not done), gone (the client)
	With   bool   // under way at once with the step before
}

// script makes n steps from a seed.
func script(seed uint64, n int) []step {
	r := rand.New(rand.NewPCG(seed, 7))
	of := func(words ...string) string { return words[r.IntN(len(words))] }
	steps := make([]step, n)
	for i := range steps {
		s := step{
			Verb: of("POST", "PATCH", "PATCH", "PATCH", "PUT", "DELETE"), Of: r.IntN(3), Set: map[string]any{},
			Answer: of("full", "full", "ok", "created", "empty", "receipt", "part"), Gzip: r.IntN(4) == 0,
		}
		if i == 0 {
			s.Verb = "POST"
		}
		for _, name := range []string{"a", "b", "c", "d"} {
			if r.IntN(2) == 0 || s.Verb == "PUT" || s.Verb == "POST" {
				s.Set[name] = r.IntN(3)
			}
		}
		if r.IntN(6) == 0 {
			s.Fate = of("refused", "cut", "lost", "reset", "gone")
		}
		s.With = i > 0 && s.Verb != "POST" && steps[i-1].Verb != "POST" && !steps[i-1].With && r.IntN(5) == 0
		steps[i] = s
	}
	return steps
}

// state is what one thing is.
type state map[string]any

// model is the API of all sequences, /s/{sequence}/items; it keeps of each entity
// all states it ever had, nil once it is gone.
type model struct {
	mu      sync.Mutex
	calls   map[string]*underway // by X-Call
	history map[string][]state   // by id
	made    map[string][]string  // ids by sequence
	commits int
}

func newModel() *model {
	return &model{calls: map[string]*underway{}, history: map[string][]state{}, made: map[string][]string{}}
}

// done returns how many calls were done so far.
func (m *model) done() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.commits
}

// underway is a call that the model will get.
type underway struct {
	step
	partner   *underway
	arrived   chan struct{}
	committed chan struct{}
}

func (m *model) expect(id string, s step) *underway {
	u := &underway{step: s, arrived: make(chan struct{}), committed: make(chan struct{})}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[id] = u
	return u
}

// ServeHTTP implements [http.Handler].
func (m *model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // s SEQUENCE items [ID]
	id := ""
	if len(parts) == 4 {
		id = parts[3]
	}
	if r.Method == http.MethodGet {
		m.mu.Lock()
		now := m.now(id)
		m.mu.Unlock()
		if now == nil {
			http.NotFound(w, r)
			return
		}
		reply(w, 200, now, r.Header.Get("X-Call") != "" && len(id)%2 == 0)
		return
	}
	m.mu.Lock()
	u := m.calls[r.Header.Get("X-Call")]
	m.mu.Unlock()
	var in state
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, "a part of a call is none", http.StatusBadRequest) // its sender was killed
		return
	}
	close(u.arrived)
	if u.partner != nil {
		wait(u.partner.arrived)
	}
	id, now, ok := m.commit(parts[1], id, r.Method, in, u)
	close(u.committed)
	m.answer(w, r, u, id, now, ok)
}

// wait waits for c, and not for ever: a call may be held up in front of us.
func wait(c chan struct{}) {
	timer := time.NewTimer(50 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-c:
	case <-timer.C:
	}
}

// now returns the state of id, nil if it is not there. m.mu is held.
func (m *model) now(id string) state {
	if h := m.history[id]; len(h) > 0 {
		return h[len(h)-1]
	}
	return nil
}

func (m *model) commit(sequence, id, method string, in state, u *underway) (string, state, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commits++
	if u.Fate == "refused" || u.Fate == "reset" {
		return id, nil, false
	}
	next := state{}
	if method == http.MethodPost {
		id = fmt.Sprintf("%s-%d", sequence, len(m.made[sequence])+1)
		m.made[sequence] = append(m.made[sequence], id)
	} else {
		was := m.now(id)
		if was == nil {
			return id, nil, false
		}
		if method == http.MethodPatch {
			for k, v := range was {
				next[k] = v
			}
		}
	}
	if method == http.MethodDelete {
		m.history[id] = append(m.history[id], nil)
		return id, nil, true
	}
	for k, v := range in {
		next[k] = v
	}
	next["id"] = id
	m.history[id] = append(m.history[id], next)
	return id, next, true
}

// answer tells of what was done, the way the step says.
func (m *model) answer(w http.ResponseWriter, r *http.Request, u *underway, id string, now state, ok bool) {
	switch {
	case u.Fate == "reset" || u.Fate == "lost":
		panic(http.ErrAbortHandler)
	case !ok:
		reply(w, 422, state{"error": "no"}, u.Gzip)
		return
	case u.Fate == "cut":
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte(`{"id":"` + id))
		panic(http.ErrAbortHandler)
	case now == nil:
		w.WriteHeader(http.StatusNoContent)
		return
	}
	status := 200
	if r.Method == http.MethodPost || u.Answer == "created" {
		status = 201
	}
	if r.Method == http.MethodPost && u.Answer == "ok" {
		status = 200
	}
	switch u.Answer {
	case "empty":
		if r.Method == http.MethodPost {
			w.Header().Set("Location", r.URL.Path+"/"+id)
			w.WriteHeader(http.StatusCreated)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case "receipt":
		reply(w, status, state{"ok": true, "id": id}, u.Gzip)
	case "part":
		part := state{"id": id}
		for k := range u.Set {
			part[k] = now[k]
		}
		reply(w, status, part, u.Gzip)
	default:
		reply(w, status, now, u.Gzip)
	}
}

func reply(w http.ResponseWriter, status int, body state, zip bool) {
	text, _ := json.Marshal(body)
	w.Header().Set("Content-Type", "application/json")
	if zip {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(text)
		z.Close()
		text = b.Bytes()
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	w.Write(text)
}

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// gone stands for the n of what is deleted: no write has a larger one.
const gone = 1 << 30

// mixedConfig captures what mixedAPI has.
const mixedConfig = "\t\tresource item /items\n\t\tresource quiet /quiet"

// mixedScopes are all that mixedConfig can earn.
const mixedScopes = "scopes item.** item.gap quiet.** quiet.gap"

// mixedAPI keeps items, and answers calls to /items with them, all of a list of
// them too. To calls that change what is under /quiet it answers nothing.
type mixedAPI struct {
	mu    sync.Mutex
	made  int
	items map[string]item // by path
}

type item struct {
	ID   string `json:"id"`
	N    int    `json:"n"`
	Size int    `json:"size"`
	Pad  string `json:"pad"`
}

func newMixedAPI() http.Handler {
	m := &mixedAPI{items: map[string]item{}}
	mux := http.NewServeMux()
	for _, kind := range []string{"items", "quiet"} {
		mux.HandleFunc("GET /"+kind+"/{id}", m.get)
		mux.HandleFunc("PATCH /"+kind+"/{id}", m.put)
		mux.HandleFunc("PUT /"+kind+"/{id}", m.put)
		mux.HandleFunc("DELETE /"+kind+"/{id}", m.delete)
	}
	mux.HandleFunc("POST /items", m.post)
	mux.HandleFunc("PATCH /items", m.putAll)
	return mux
}

// keep keeps it as what it says.
func (m *mixedAPI) keep(path string, it item) item {
	m.mu.Lock()
	defer m.mu.Unlock()
	it.Pad = strings.Repeat("x", it.Size)
	m.items[path] = it
	return it
}

func (m *mixedAPI) get(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	it, ok := m.items[r.URL.Path]
	m.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	answerJSON(w, http.StatusOK, it)
}

func (m *mixedAPI) put(w http.ResponseWriter, r *http.Request) {
	it := item{}
	if json.NewDecoder(r.Body).Decode(&it) != nil {
		w.WriteHeader(http.StatusBadRequest) // a part: its sender was killed
		return
	}
	it.ID = r.PathValue("id")
	it = m.keep(r.URL.Path, it)
	if strings.HasPrefix(r.URL.Path, "/quiet/") {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answerJSON(w, http.StatusOK, it)
}

func (m *mixedAPI) post(w http.ResponseWriter, r *http.Request) {
	it := item{}
	if json.NewDecoder(r.Body).Decode(&it) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	m.made++
	it.ID = fmt.Sprintf("made%d", m.made)
	m.mu.Unlock()
	answerJSON(w, http.StatusCreated, m.keep("/items/"+it.ID, it))
}

func (m *mixedAPI) putAll(w http.ResponseWriter, r *http.Request) {
	var all []item
	if json.NewDecoder(r.Body).Decode(&all) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for i := range all {
		all[i] = m.keep("/items/"+all[i].ID, all[i])
	}
	answerJSON(w, http.StatusOK, all)
}

func (m *mixedAPI) delete(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	_, ok := m.items[r.URL.Path]
	delete(m.items, r.URL.Path)
	m.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	body, _ := json.Marshal(v)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

// client writes, one call after the other, and notes what was acknowledged.
type client struct {
	*acked
	*http.Client
	site string
	name string
}

// round makes its n-th call, or calls.
type round func(c *client, n int)

// rounds are the ways to write, one for each writer. Each writes to entities of
// its own, so that what was written last is known.
var rounds = []round{
	func(c *client, n int) { c.patch("items", c.name, n) },
	func(c *client, n int) { c.patch("items", c.name, n) },
	func(c *client, n int) { c.call("PUT", "/items/"+c.name, size(n), note{c.name, n}) },
	func(c *client, n int) { c.patch("quiet", "q"+c.name, n) },
	func(c *client, n int) { c.patch("quiet", "q"+c.name, n) },
	life, life, bulk,
}

func (c *client) patch(kind, id string, n int) {
	c.call("PATCH", "/"+kind+"/"+id, size(n), note{id, n})
}

// life makes an item, changes it and deletes it.
func life(c *client, n int) {
	var made item
	answer, ok := c.call("POST", "/items", size(n))
	if !ok || json.Unmarshal(answer, &made) != nil {
		return
	}
	c.add(made.ID, n)
	c.patch("items", made.ID, n+1)
	c.call("DELETE", "/items/"+made.ID, nil, note{made.ID, gone})
}

// bulk changes three items by one call.
func bulk(c *client, n int) {
	var all []item
	var notes []note
	for i := range 3 {
		it := size(n)
		it.ID = fmt.Sprint(c.name, "-", i)
		all, notes = append(all, *it), append(notes, note{it.ID, n})
	}
	c.call("PATCH", "/items", all, notes...)
}

func size(n int) *item { return &item{N: n, Size: sizes[rand.IntN(len(sizes))]} }

// note is what is known once a call was answered.
type note struct {
	id string
	n  int
}

// call makes one call. If its whole answer arrives and says yes, the notes are
// acknowledged.
func (c *client) call(method, path string, body any, notes ...note) (answer []byte, ok bool) {
	text, _ := json.Marshal(body)
	req, _ := http.NewRequest(method, c.site+path, bytes.NewReader(text))
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		return nil, false // down, or killed before the answer: not acknowledged
	}
	answer, err = io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode/100 != 2 {
		return nil, false
	}
	for _, n := range notes {
		c.add(n.id, n.n)
	}
	return answer, true
}

// write makes one round after the other until stop is closed; while sidehook is
// down it tries again.
func (a *acked) write(site, name string, do round, stop <-chan struct{}) {
	c := &client{acked: a, Client: &http.Client{Timeout: patience, Transport: &http.Transport{}}, site: site, name: name}
	defer c.CloseIdleConnections()
	for n := 1; ; n += 2 {
		select {
		case <-stop:
			return
		default:
			do(c, n)
		}
	}
}

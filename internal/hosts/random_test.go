package hosts

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// fields are names that documents have at random: some of them are what
// envelopes, receipts, errors and links are told by elsewhere.
var fields = []string{
	"title", "text", "n", "owner", "tags", "post", "data", "ok", "rev", "error", "errors", "message", "status",
	"type", "attributes", "_links", "response", "items", "deleted", "a.b", "*", "",
}

// randomly makes documents.
type randomly struct{ *rand.Rand }

// document returns an object without an id.
func (r randomly) document() map[string]any {
	out := map[string]any{}
	for range r.IntN(5) {
		out[fields[r.IntN(len(fields))]] = r.value(2)
	}
	return out
}

func (r randomly) value(depth int) any {
	switch kind := r.IntN(9); {
	case kind == 0:
		return nil
	case kind == 1:
		return r.IntN(2) == 0
	case kind == 2:
		return r.IntN(5)
	case kind == 3:
		return float64(r.IntN(100)) / 8
	case kind == 4 && depth > 0:
		return []any{r.value(depth - 1), r.value(depth - 1)}
	case kind == 5 && depth > 0:
		return map[string]any{"id": r.IntN(4), "x": r.value(depth - 1)}
	case kind == 6 && depth > 0:
		return map[string]any{}
	}
	return []string{"", "a", "b", "ünïcode \u2028 \"quoted\"", "5", "null"}[r.IntN(6)]
}

// randomRuns is how many sequences of calls are made.
const randomRuns = 4

// JSON Server takes any document. Whatever its fields are called, and however
// few they are, what changed is told as it did; also without a GET before each
// call. SIDEHOOK_SEED=N makes other documents.
func TestJSONServerAtRandom(t *testing.T) {
	only(t, "json-server")
	for seed := range randomRuns {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			config := recipe("json-server")
			if seed%2 == 1 {
				config = recipeWithout(t, "json-server", "before fetch")
			}
			s, a := startJSONServer(t, config), account{}
			r := randomly{rand.New(rand.NewPCG(uint64(seed), seedOf(t)))}
			c := watch(s.client(), a, s.entities)
			c.past = true
			c.look(t)
			c.past = false
			for i := range 150 {
				id := r.IntN(4) + 1
				body, path := r.document(), fmt.Sprintf("/posts/%d", id)
				switch r.IntN(6) {
				case 0, 1:
					body["id"] = id
					c.tries("POST", "/posts", text(body))
				case 2:
					c.tries("PUT", path, text(body))
				case 3, 4:
					c.tries("PATCH", path, text(body))
				case 5:
					if i%2 == 0 {
						c.tries("DELETE", path, "")
					}
				}
			}
			compare(t, a, s.events(), nil)
		})
	}
}

// LoopBack answers every write but a create with nothing.
func TestLoopBackAtRandom(t *testing.T) {
	only(t, "loopback")
	s, a, r := startLoopBack(t), account{}, randomly{rand.New(rand.NewPCG(1, seedOf(t)))}
	c := watch(s.client(), a, s.todos)
	for i := range 200 {
		body, path := map[string]any{"tag": r.value(2)}, fmt.Sprintf("/todos/%d", r.IntN(4)+1+i/50)
		if body["tag"] == "null" {
			body["tag"] = "nil" // LoopBack takes that text for null
		}
		if r.IntN(2) == 0 {
			body["title"] = fmt.Sprint(r.IntN(3))
		}
		if r.IntN(3) == 0 {
			body["isComplete"] = r.IntN(2) == 0
		}
		switch r.IntN(6) {
		case 0, 1:
			c.tries("POST", "/todos", text(body))
		case 2:
			c.tries("PUT", path, text(body))
		case 3, 4:
			c.tries("PATCH", path, text(body))
		case 5:
			c.tries("DELETE", path, "")
		}
	}
	compare(t, a, s.events(), nil, "todo.completed")
}

// PouchDB answers with receipts, which are of the same fields as some documents.
func TestPouchDBAtRandom(t *testing.T) {
	only(t, "pouchdb")
	p := startPouch(t)
	r := randomly{rand.New(rand.NewPCG(2, seedOf(t)))}
	c := p.client()
	for range 200 {
		id := fmt.Sprint("doc", r.IntN(4))
		body := r.document()
		delete(body, "_links") // no such names in a document
		delete(body, "ok")     // a GET answered {"ok": false} is taken for one that says no
		status, now := p.direct().call("GET", "/tasks/"+id, "")
		if status == 200 {
			body["_rev"] = field(t, now, "_rev")
		}
		if rev, known := body["_rev"].(string); known && r.IntN(5) == 0 {
			c.does(200, "DELETE", "/tasks/"+id+"?rev="+rev, "")
		} else {
			c.does(201, "PUT", "/tasks/"+id, text(body))
		}
	}
	compare(t, p.account(), p.events(), []string{"_rev"})
}

// seedOf returns SIDEHOOK_SEED, 0 if it is not set.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("SIDEHOOK_SEED")
	if text == "" {
		return 0
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

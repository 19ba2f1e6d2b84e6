package model

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
)

// Style is how the API of one sequence behaves, in all its calls.
type Style struct {
	Kind      string // items; docs (have a version, PUT creates or updates); things (some fields are ignored)
	PutKeeps  bool   // a PUT leaves what it does not name, or gives it its default
	NullStays bool   // a null that is set is kept, or removes the field
	Idle      bool   // a write of what is there already moves no field of its own
	Own       bool   // it has fields of its own: rev, updated_at, created_at, sum
	Defaults  bool   // kind and b have a value where the client sent none
	Hides     string // what guests see of d: all "", nothing (absent) or a mask
	Brief     bool   // its answers to writes lack its own fields, which GETs show
	OwnIDs    bool   // clients name what they create
	Wraps     bool   // answers have the entity in data
	Tags      bool   // GETs have an ETag
}

// Step is one call of a sequence.
type Step struct {
	Verb   string           // POST, PATCH, PUT, DELETE
	Of     []int            // which of the entities made so far, modulo their number; several: by one call
	Sets   []map[string]any // of each
	Guest  bool             // who calls
	Format string           // of the body: "" (plain JSON), merge, patch, form
	Answer string           // full, created, part, receipt, empty
	Gzip   bool
	Key    bool   // it carries an Idempotency-Key
	Again  bool   // it is the step before once more: by the same key, if that had one
	Fate   string // "": answered; refused, cut, lost, reset (not done), gone (the client), slow (done, and answered too late), late (done when that is answered)
	With   bool   // under way at once with the step before
	Blind  bool   // the GET behind it fails
}

// Many reports whether the step is about several entities.
func (s *Step) Many() bool { return len(s.Of) > 1 }

// Script makes the style and n steps of a sequence from a seed.
func Script(seed uint64, n int) (Style, []Step) {
	r := rand.New(rand.NewPCG(seed, 11))
	style := Style{
		Kind: of(r, "items", "items", "docs", "things"), PutKeeps: r.IntN(2) == 0, NullStays: r.IntN(2) == 0, Idle: r.IntN(2) == 0,
		Own: r.IntN(3) > 0, Defaults: r.IntN(2) == 0, Hides: of(r, "", "", "absent", "mask"), Brief: r.IntN(3) == 0,
		OwnIDs: r.IntN(3) == 0, Wraps: r.IntN(4) == 0, Tags: r.IntN(3) == 0,
	}
	style.Own = style.Own || style.Kind == "docs" // its version is one
	steps := make([]Step, 0, n)
	for len(steps) < n {
		steps = append(steps, next(r, &style, steps))
	}
	write(seed, steps)
	return style, steps
}

func of(r *rand.Rand, words ...string) string { return words[r.IntN(len(words))] }

// next makes one more step.
func next(r *rand.Rand, style *Style, steps []Step) Step {
	i := len(steps)
	if i > 0 && r.IntN(10) == 0 && !steps[i-1].Again && !steps[i-1].With {
		s := steps[i-1]
		s.Again, s.Answer, s.Fate = true, "full", ""
		if !s.Key {
			s.Answer = steps[i-1].Answer
		}
		return s
	}
	s := Step{
		Verb:   of(r, "POST", "PATCH", "PATCH", "PATCH", "PUT", "DELETE"),
		Of:     []int{r.IntN(3)},
		Answer: of(r, "full", "full", "created", "part", "receipt", "empty"),
		Gzip:   r.IntN(5) == 0, Guest: style.Hides != "" && r.IntN(3) == 0, Key: r.IntN(6) == 0, Blind: r.IntN(12) == 0,
	}
	if i == 0 {
		s.Verb = "POST"
	}
	if i > 0 && s.Verb != "PUT" && r.IntN(8) == 0 {
		s.Of = []int{0, 1, 2}[:2+r.IntN(2)]
	}
	for range s.Of {
		s.Sets = append(s.Sets, set(r, style, &s))
	}
	if r.IntN(6) == 0 {
		s.Fate = of(r, "refused", "refused", "cut", "cut", "lost", "lost", "reset", "reset", "gone", "gone", "slow", "late")
	}
	if s.Verb == "PUT" && style.PutKeeps {
		s.Blind = false // without a GET, what neither a PUT nor its answer has is gone
	}
	s.With = i > 0 && s.Verb != "POST" && !s.Many() && steps[i-1].Verb != "POST" && !steps[i-1].With && !steps[i-1].Many() && r.IntN(5) == 0
	return s
}

// set makes what a call says of one entity.
func set(r *rand.Rand, style *Style, s *Step) map[string]any {
	out := map[string]any{}
	if s.Verb == "DELETE" {
		return out
	}
	most := 2
	if s.Verb == "PUT" || s.Verb == "POST" {
		most = 5 // of 6
	}
	for _, name := range []string{"a", "b", "c", "d", "kind"} {
		if r.IntN(6) <= most && !(name == "d" && s.Guest) {
			out[name] = r.IntN(3)
		}
		if name == "kind" && out[name] != nil {
			out[name] = of(r, "plain", "fancy")
		}
	}
	if r.IntN(3) == 0 {
		out["o"] = map[string]any{"x": r.IntN(2), "y": r.IntN(2)}
	}
	if r.IntN(3) == 0 {
		out["t"] = []any{r.IntN(2), r.IntN(2)}[:r.IntN(3)]
	}
	if s.Verb == "PATCH" && r.IntN(5) == 0 {
		out[of(r, "a", "c", "o")] = nil
	}
	return out
}

// Call is a step on its way, with what it is about.
type Call struct {
	Step
	Style    *Style
	ID       string // of the call: its X-Request-Id
	Sequence string
	Entities []string // none: it makes new ones
	Key      string   // Idempotency-Key, "" for none
}

// Path returns where the call goes.
func (c *Call) Path() (path, query string) {
	path = "/s/" + c.Sequence + "/" + c.Style.Kind
	switch {
	case c.Verb == http.MethodPost:
	case !c.Many():
		path += "/" + c.Entities[0]
	case c.Verb == http.MethodDelete:
		query = "ids="
		for i, id := range c.Entities {
			if i > 0 {
				query += ","
			}
			query += id
		}
	}
	return path, query
}

// Body returns what the call sends, nil if that is nothing.
func (c *Call) Body() []byte {
	if c.Verb == http.MethodDelete {
		return nil
	}
	var all []State
	for i, set := range c.Sets {
		said := State{}
		maps.Copy(said, set)
		if c.Many() && c.Verb != http.MethodPost {
			said["id"] = c.Entities[i]
		}
		if c.Verb == http.MethodPost && c.Style.OwnIDs {
			said["id"] = fmt.Sprintf("%s-%d", c.Sequence, c.Of[i]+1)
		}
		all = append(all, said)
	}
	if c.Many() {
		return text(all)
	}
	return c.written(all[0])
}

func text(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // what is made above can be written
	}
	return b
}

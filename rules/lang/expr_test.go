package lang_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

func compile(t testing.TB, src string, env lang.Environment) *lang.Expr {
	t.Helper()
	x, err := lang.Compile(src, env)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestReads(t *testing.T) {
	x := compile(t, `request.body.n > 1 && any(entity.l, # == params.id) && (let p = entity.x; p == request.header["b-x"] && request.header["a-x"] != response.header.Etag)`, lang.EnvRule)
	if diff := cmp.Diff([]string{"request", "entity", "params", "response"}, x.Reads()); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	req, res := x.Headers()
	if diff := cmp.Diff([][]string{{"A-X", "B-X"}, {"Etag"}}, [][]string{req, res}); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestReadsBefore(t *testing.T) {
	for src, want := range map[string]bool{
		`before.status == "x"`: true, `changed("x")`: true, `entity.x == 1`: false, `became("x", 1)`: true,
		`any(additions("x"), true)`: true, `request.body.before`: false,
	} {
		if got := compile(t, src, lang.EnvRule).ReadsBefore(); got != want {
			t.Errorf("%s: got %v", src, got)
		}
	}
	if !compile(t, "len(changes) > 0", lang.EnvEvent).ReadsBefore() {
		t.Error("changes need a before")
	}
}

func TestPlainPath(t *testing.T) {
	for src, want := range map[string]string{
		`entity.budget.total`: "entity budget.total", `entity["a.b"].c`: `entity a\.b.c`, `entity.l[2].x`: "entity l.2.x",
		`entity`: "entity ", `entity?.a`: "entity a", `int(id)`: "", `entity.a + 1`: "", `entity.l[-1]`: "", `entity[id]`: "", `"x"`: "",
	} {
		root, p, ok := compile(t, src, lang.EnvRule).PlainPath()
		got := ""
		if ok {
			got = root + " " + p.String()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", src, got, want)
		}
	}
}

// counted counts look-ups.
type counted struct {
	vars
	looked *[]string
}

func (c counted) Lookup(name string) any {
	*c.looked = append(*c.looked, name)
	return c.vars.Lookup(name)
}

func TestNamesAreLookedUpOnceAndOnlyIfNeeded(t *testing.T) {
	var looked []string
	x := compile(t, `entity.a == 1 && entity.b == 2 || item.c == 3 && id == "x"`, lang.EnvRule)
	doc, _ := lang.Decode([]byte(`{"a":1,"b":3}`))
	if _, err := x.Eval(counted{vars{"entity": doc}, &looked}, nil); err != nil {
		t.Fatal(err)
	}
	if want := []string{"entity", "item"}; !slices.Equal(looked, want) {
		t.Errorf("looked up %v, want %v", looked, want)
	}
}

// lazy is an object of which only some fields may be read.
type lazy struct{ fields map[string]any }

func (l lazy) Field(name string) any { return l.fields[name] }
func (l lazy) Value() map[string]any { return l.fields }

func TestObjectsAreReadByField(t *testing.T) {
	v := vars{"params": lazy{map[string]any{"id": int64(7), "tags": []any{"a"}}}}
	for src, want := range map[string]any{
		`params.id`: int64(7), `params.tags[0]`: "a", `params.none`: nil, `len(params)`: int64(2),
		`params == {"id": 7, "tags": ["a"]}`: true, `"id" in params`: true,
	} {
		got, err := compile(t, src, lang.EnvRule).Eval(v, nil)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", src, err, diff)
		}
	}
}

func TestEvaluationIsBounded(t *testing.T) {
	doc, _ := lang.Decode([]byte(`{"l":[` + strings.Repeat("1,", 200_000) + `1],"s":"` + strings.Repeat("a", 1<<20) + `"}`))
	v := vars{"entity": doc}
	for _, src := range []string{
		`any(entity.l, any(entity.l, # == 2))`,
		`1..9223372036854775807`,
		`len(1..3000000) + len(1..3000000)`,
		`repeat("aaaaaaaa", 9223372036854775807)`,
		`repeat(repeat("aaaaaaaa", 1000000), 1000000)`,
		`replace(entity.s, "a", entity.s)`,
		`map(entity.l, entity.s + "x")`,
		`uniq(1..3000000)`,
		`map(entity.l, entity.l == entity.l)`,
		`let a = [1,1]; ` + doubled(64),
		`join(map(entity.l, entity.s))`,
		`filter(entity.l, entity.s matches "a*b")`,
	} {
		start := time.Now()
		_, err := compile(t, src, lang.EnvRule).Eval(v, nil)
		if !errors.Is(err, lang.ErrTooMuch) {
			t.Errorf("%.60s: got %v, want %v", src, err, lang.ErrTooMuch)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%.60s took %v", src, took)
		}
	}
}

// doubled names an array twice, n times.
func doubled(n int) string {
	var b strings.Builder
	name := "a"
	for i := range n {
		next := "b" + strings.Repeat("b", i)
		b.WriteString("let " + next + " = [" + name + "," + name + "]; ")
		name = next
	}
	return b.String() + name
}

func TestLongSourceIsRefused(t *testing.T) {
	for _, src := range []string{strings.Repeat("(", lang.MaxSource+1), strings.Repeat("1+", 5_000) + "1"} {
		if _, err := lang.Compile(src, lang.EnvRule); err == nil {
			t.Errorf("%.20s…: no error", src)
		}
	}
}

// FuzzCompileEval compiles hostile text and evaluates it on hostile documents:
// no panic, no other error than the bound, and the same result twice.
func FuzzCompileEval(f *testing.F) {
	for _, src := range []string{
		`changed("a","b.c") && before.a != nil`, `additions("l") | map(#.x) | join(",")`, `{"a": entity.l[1:], (id): 2}`,
		`entity?.a ?? [1, 2.5] contains "x"`, `let x = entity; x.a in [1] ? -x.b ** 2 : not (x.c matches "a+")`,
		`sortBy(entity.l, #, "desc")[0:2]`, `if entity.a { 1 } else { 2 }`, `crossed_up("a.b", entity.n / 3)`, `1..5`, `repeat("ab", entity.n)`,
		`pick(entity, "a.*", "l.0")`, `request.header["a"] == request.body.x`, `toJSON(fromJSON(entity.a)) + string(entity.b)`,
	} {
		f.Add(src, `{"a":1,"b":{"c":"x"},"l":[1,{"x":2}],"n":3}`, `{"a":2.5,"b":null,"l":[{"x":2}],"n":"4"}`)
	}
	f.Fuzz(func(t *testing.T, src, before, after string) {
		x, err := lang.Compile(src, lang.EnvRule)
		if err != nil {
			return
		}
		b, _ := lang.Decode([]byte(before))
		a, err := lang.Decode([]byte(after))
		if err != nil {
			a = lang.Unknown
		}
		v := vars{"before": b, "after": a, "entity": a, "item": lang.Unknown, "id": "1"}
		c := &lang.Change{Operation: webhook.Updated, Before: b, After: a}
		got, err := x.Eval(v, c)
		if err != nil {
			if !errors.Is(err, lang.ErrTooMuch) {
				t.Fatal(err)
			}
			return
		}
		first, err := lang.Encode(got)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		again, _ := x.Eval(v, c)
		if second, _ := lang.Encode(again); string(first) != string(second) {
			t.Fatalf("%s: %s, then %s", src, first, second)
		}
	})
}

func BenchmarkRule(b *testing.B) {
	x := compile(b, `became("status", "done") && entity.budget.total > 1000 && "urgent" in entity.tags`, lang.EnvRule)
	before, _ := lang.Decode([]byte(`{"status":"open","budget":{"total":15000.00},"tags":["a","urgent"]}`))
	after, _ := lang.Decode([]byte(`{"status":"done","budget":{"total":15000.00},"tags":["a","urgent"]}`))
	v := vars{"entity": after}
	c := &lang.Change{Operation: webhook.Updated, Before: before, After: after}
	b.ReportAllocs()
	for b.Loop() {
		if t, err := x.Truth(v, c); t != lang.True || err != nil {
			b.Fatal(t, err)
		}
	}
}

func BenchmarkDecode1KB(b *testing.B) {
	raw := []byte(`{"id":55,"name":"Website","notes":"` + strings.Repeat("x", 600) + `","archived":false,"budget":15000.00,"owner":{"id":1,"email":"a@example.com","name":"Ann"},"tags":["a","b","c"],"start":"2024-01-15","end":"2024-03-31","usage":{"a":1,"b":2,"c":"0.00","d":43.75},"x1":1,"x2":2,"x3":3,"x4":4,"x5":5,"x6":null}`)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := lang.Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}

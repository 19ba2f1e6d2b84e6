package lang_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/rules/lang"
)

// hostile is a document that makes work, as large as they are kept.
func hostile() map[string]any {
	names := map[string]any{}
	list := make([]any, 0, 5000)
	for i := range 5000 {
		names[fmt.Sprintf("a_name_that_is_long_%d", i)] = int64(i)
		list = append(list, fmt.Sprintf("%s%d", strings.Repeat("same ", 10), i))
	}
	a := strings.Repeat("ab", 150_000)
	return map[string]any{
		"a": a + "a", "b": a + "b", "digits": strings.Repeat("7", 300_000), "spaces": strings.Repeat(" ", 300_000),
		"list": list, "names": names, "csv": strings.Repeat("x,", 100_000), "zero": int64(0),
	}
}

type documentVars struct{ doc map[string]any }

func (v documentVars) Lookup(string) any { return v.doc }

// hostileFilters are short and would run for long.
var hostileFilters = []string{
	`len(filter(1..100000, len(filter(1..100000, # > 0)) > 0)) > 0`,
	`any(1..20000, entity.a < entity.b && #index < 0)`,
	`any(1..20000, entity.a == entity.b)`,
	`any(1..20000, entity[entity.a] == 1)`,
	`any(1..20000, entity.a in entity.names)`,
	`any(1..20000, len(entity.a[0:200000]) < 0)`,
	`any(1..20000, int(entity.digits) == 1 || float(entity.digits) == 1 || unix(entity.digits) == 1)`,
	`any(1..20000, trim(entity.spaces) == "x")`,
	`any(1..20000, lower(entity.a) == "x")`,
	`len(sort(map(1..3000, # % 2 == 0 ? entity.a : entity.b))) < 0`,
	`len(sortBy(1..3000, # % 2 == 0 ? entity.a : entity.b)) < 0`,
	`len(groupBy(1..20000, entity.a)) < 0`,
	`len(groupBy(1..20000, entity)) < 0`,
	`len(map(1..3000, [{(entity.a + string(#)): 1}])) < 0`,
	`len(uniq(entity.list)) < 0`,
	`any(entity.list, any(entity.list, any(entity.list, # == "x")))`,
	`len(pick(entity.names, split(entity.csv, ","))) < 0`,
	`len(repeat(entity.a, 100000)) < 0`,
	`let x = repeat("x", 100000); let y = [x, x, x, x]; let z = [y, y, y, y]; let u = [z, z, z, z]; len(toJSON([u, u, u, u])) < 0`,
	`len(replace(entity.a, "a", entity.b)) < 0`,
	`len(join(map(1..20000, entity.a), "")) < 0`,
	`any(1..20000, max(entity.list) == 1)`,
	`any(1..20000, len(keys(entity.names)) < 0)`,
	`any(1..20000, fromJSON(entity.digits) == 1)`,
	`any(1..20000, len(concat(entity.list, entity.list)) < 0)`,
	`any(1..20000, entity == entity && #index < 0)`,
	`entity.a matches "(a|b|ab|ba|aab){1,90}x"`,
	`entity.a matches "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)x"`,
	`any(entity.list, # matches "^(s|sa|sam|same| )*y$")`,
	`any(1..20000, (entity.zero + # + 1) ** 300 / 7 % 3 == 1.5)`,
}

// An evaluation ends when its steps are spent, whatever it does with them: a step
// is never worth more than some tens of nanoseconds.
func TestAStepBoundsTheTime(t *testing.T) {
	const most, worth = 100_000, 2 * time.Microsecond // a busy machine is slow, the race detector slower
	doc := documentVars{hostile()}
	for _, text := range hostileFilters {
		x, err := lang.Compile(text, lang.EnvEvent)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		best := time.Hour
		steps := 0
		for range 5 {
			begin := time.Now()
			_, steps = x.TruthWithin(doc, nil, most)
			best = min(best, time.Since(begin))
		}
		t.Logf("%8d steps %10v  %s", steps, best, text)
		if limit := max(most/10, min(steps, most)) * int(worth); best > time.Duration(limit) {
			t.Errorf("%s: %d steps took %v, more than %v", text, steps, best, time.Duration(limit))
		}
	}
}

// What an evaluation holds is bounded as its steps are.
func TestAStepBoundsTheMemory(t *testing.T) {
	const most, worth = 100_000, 200 // bytes
	doc := documentVars{hostile()}
	for _, text := range hostileFilters {
		x, err := lang.Compile(text, lang.EnvEvent)
		if err != nil {
			t.Fatal(err)
		}
		r := testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for range min(b.N, 1) {
				x.TruthWithin(doc, nil, most)
			}
		})
		if got := int(r.MemBytes) / max(1, min(r.N, 1)); got > most*worth {
			t.Errorf("%s allocates %d bytes, more than %d", text, got, most*worth)
		}
	}
}

// A regular expression that a few characters make huge is refused.
func TestHugeRegularExpressionsAreRefused(t *testing.T) {
	for _, pattern := range []string{`(\\pL{99}){9}`, `([a-z]{0,999}|x){1}` + strings.Repeat(`[a-z]{0,999}`, 30)} {
		if _, err := lang.Compile(fmt.Sprintf("entity.a matches %q", strings.ReplaceAll(pattern, `\\`, `\`)), lang.EnvEvent); err == nil || !strings.Contains(err.Error(), "repeat less") {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	x, err := lang.Compile(`entity.a matches "^[0-9a-f]{8}-[0-9a-f]{4}$"`, lang.EnvEvent)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, weight := x.Weight(); weight < 12 || weight > 60 {
		t.Errorf("a plain one weighs %d", weight)
	}
}

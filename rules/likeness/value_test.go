package likeness

import (
	"testing"

	"github.com/sidehook/sidehook/rules/tree"
)

func value(t *testing.T, s string) *tree.Value {
	t.Helper()
	v, err := tree.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTwoRenderingsOfOneValueAreTold(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`7`, `{"id":7,"name":"Ann"}`, true},
		{`"7"`, `{"id":7}`, true},
		{`8`, `{"id":7,"name":"Ann"}`, false},
		{`"/api/users/7"`, `{"@id":"/api/users/7","name":"Ann"}`, true},
		{`[1,2]`, `[{"id":1},{"id":2}]`, true},
		{`[1,3]`, `[{"id":1},{"id":2}]`, false},
		{`[1]`, `[{"id":1},{"id":2}]`, false},
		{`[{"id":1}]`, `[{"id":1,"n":2}]`, true},
		{`[{"id":1,"n":3}]`, `[{"id":1,"n":2}]`, false},
		{`5`, `"5"`, true},
		{`10.0`, `"10.00"`, true},
		{`"10.5"`, `"10.50"`, true},
		{`"007"`, `"7"`, false},
		{`true`, `"true"`, true},
		{`true`, `1`, false},
		{`"2026-01-02T03:04:05Z"`, `"2026-01-02T03:04:05.123Z"`, false},
		{`"http://localhost:3000/tasks/5"`, `"https://api.example.com/tasks/5"`, true},
		{`"http://localhost:3000/tasks/5"`, `"https://api.example.com/tasks/6"`, false},
		{`"https://a.example.com"`, `"https://b.example.com"`, false},
		{`"https://a.example.com/"`, `"https://b.example.com/"`, false},
		{`"2026-01-02T03:04:05Z"`, `"2026-01-02T04:04:05+01:00"`, true},
		{`"2026-01-02T03:04:05.1Z"`, `"2026-01-02T03:04:05.2Z"`, false},
		{`"2026-01-02 03:04:05"`, `"2026-01-02T03:04:05.000000Z"`, true},
		{`null`, `""`, false},
		{`null`, `0`, false},
	} {
		a, b := value(t, c.a), value(t, c.b)
		if got, back := Same(a, b), Same(b, a); got != c.want || back != c.want {
			t.Errorf("%s and %s: %v, %v the other way round", c.a, c.b, got, back)
		}
	}
}

func TestValuesWithFewerDigitsAreNearlyTheSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`"2026-01-02T03:04:05Z"`, `"2026-01-02T03:04:05.123Z"`, true},
		{`"2026-01-02T03:04:05.123Z"`, `"2026-01-02T03:04:05.123456Z"`, true},
		{`"2026-01-02T03:04:05.124Z"`, `"2026-01-02T03:04:05.123456Z"`, false},
		{`"2026-01-02T03:04:05Z"`, `"2026-01-02T03:04:05.5Z"`, false},
		{`0.3`, `0.30000000000000004`, true},
		{`10.12`, `"10.1234"`, true},
		{`10.12`, `10.123`, false},
		{`10`, `10.4`, false},
		{`["a","b"]`, `["b","a"]`, false},
		{`null`, `""`, true},
		{`[]`, `{}`, true},
		{`null`, `0`, false},
	} {
		a, b := value(t, c.a), value(t, c.b)
		if got, back := Nearly(a, b), Nearly(b, a); got != c.want || back != c.want {
			t.Errorf("%s and %s: %v, %v the other way round", c.a, c.b, got, back)
		}
	}
}

func TestMaskedValuesAreTold(t *testing.T) {
	for _, c := range []struct {
		mask, text string
		want       bool
	}{
		{`"****34"`, `"DE1234"`, true},
		{`"****35"`, `"DE1234"`, false},
		{`"a***@x.com"`, `"ann@x.com"`, true},
		{`"a***@x.com"`, `"bob@x.com"`, false},
		{`"a***@x.com"`, `"ann@y.com"`, false},
		{`"DE****"`, `"DE1234"`, true},
		{`"***"`, `"secret"`, true},
		{`"XXXX-1234"`, `"9876-1234"`, true},
		{`"••••4242"`, `4000000000004242`, true},
		{`"[REDACTED]"`, `"x"`, true},
		{`"**bold** text"`, `"text"`, false},
		{`"plain"`, `"other"`, false},
		{`"*"`, `"a"`, false},
		{`"***"`, `"***"`, false},
		{`"***"`, `null`, true},
		{`"[hidden]"`, `null`, true},
		{`"hidden"`, `null`, false},
		{`"****34"`, `null`, false},
		{`""`, `null`, false},
		{`"****"`, `true`, true},
		{`"****"`, `[1]`, false},
	} {
		if got := Masks(value(t, c.mask), value(t, c.text)); got != c.want {
			t.Errorf("%s for %s: %v", c.mask, c.text, got)
		}
	}
}

func TestPersonalFieldsAreTold(t *testing.T) {
	for path, want := range map[string]bool{
		"can_edit": true, "canEdit": true, "candidate": false, "cancelled": false, "liked_by_me": true, "permissions.write": true,
		"viewerRole": true, "my_vote": true, "mylar": false, "status": false, "is_owner": true, "owner": false,
	} {
		if got := Personal(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

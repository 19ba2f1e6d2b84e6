package lang_test

import (
	"bufio"
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/sidehook/sidehook/rules/document"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// TestCases runs ../testdata/lang/*.txtar. A case is a set of lines:
//
//	env rule                 which environment (rule, each, request, success, event)
//	operation updated        of the change; created without a before, deleted without an after
//	before {…}               JSON, or unknown
//	after {…}
//	unknown PATH…            paths of after that are not known
//	ignore PATH…             what changed() looks past
//	key links.id             arrays that are compared by key
//	NAME := {…}              the value of another name, as JSON or unknown
//	EXPRESSION => RESULT     JSON, unknown, or error: and a part of its text
//
// Each is run with decoded values, and with those that are decoded as they are read.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("../testdata/lang/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range archive.Files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+c.Name, func(t *testing.T) {
				runCase(t, c.Data, read)
				runCase(t, c.Data, asDocument)
			})
		}
	}
}

type vars map[string]any

func (v vars) Lookup(name string) any { return v[name] }

// setting is what the lines so far have set.
type setting struct {
	env    lang.Environment
	vars   vars
	change lang.Change
	keys   map[string]lang.Path
	read   func(text string) (any, error)
}

func runCase(t *testing.T, text []byte, read func(string) (any, error)) {
	s := &setting{env: lang.EnvRule, vars: vars{}, keys: map[string]lang.Path{}, read: read}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if i := strings.LastIndex(line, " => "); i >= 0 {
			s.check(t, n, strings.TrimSpace(line[:i]), strings.TrimSpace(line[i+4:]))
			continue
		}
		if err := s.set(line); err != nil {
			t.Fatalf("line %d: %v", n, err)
		}
	}
}

func (s *setting) set(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	if name, value, ok := strings.Cut(line, " := "); ok {
		word, rest = "name", value
		v, err := s.read(rest)
		s.vars[name] = v
		return err
	}
	switch word {
	case "env":
		envs := map[string]lang.Environment{
			"rule": lang.EnvRule, "each": lang.EnvEach, "request": lang.EnvRequest,
			"success": lang.EnvSuccess, "event": lang.EnvEvent,
		}
		env, ok := envs[rest]
		if !ok {
			return fmt.Errorf("no environment %q", rest)
		}
		s.env = env
	case "operation":
		s.change.Operation = webhook.Operation(rest)
		s.vars["operation"] = rest
	case "before", "after":
		v, err := s.read(rest)
		if err != nil {
			return err
		}
		s.vars[word] = v
	case "unknown":
		var paths []lang.Path
		for text := range strings.FieldsSeq(rest) {
			p, err := lang.ParsePath(text)
			if err != nil {
				return err
			}
			paths = append(paths, p)
		}
		s.vars["after"] = lang.MarkUnknown(s.vars["after"], paths, s.change.Key)
	case "ignore":
		globs, err := lang.ParseGlobs(strings.Fields(rest))
		if err != nil {
			return err
		}
		s.change.Ignored = globs.Match
	case "key":
		i := strings.LastIndex(rest, ".")
		p, err := lang.ParsePath(rest[i+1:])
		if err != nil {
			return err
		}
		s.keys[rest[:i]] = p
		s.change.Key = func(path string) (lang.Path, bool) { p, ok := s.keys[path]; return p, ok }
	default:
		return fmt.Errorf("not a line of a case: %s", line)
	}
	s.complete()
	return nil
}

// complete works out what follows from before and after.
func (s *setting) complete() {
	s.change.Before, s.change.After = s.vars["before"], s.vars["after"]
	s.vars["entity"] = s.vars["after"]
	if s.vars["operation"] == nil {
		s.change.Operation = webhook.Updated
	}
	if s.change.Operation == webhook.Deleted {
		s.vars["entity"] = s.vars["before"]
	}
}

func read(text string) (any, error) {
	if text == "unknown" {
		return lang.Unknown, nil
	}
	return lang.Decode([]byte(text))
}

// asDocument is read, but that objects are decoded as they are read.
func asDocument(text string) (any, error) {
	if text == "unknown" {
		return lang.Unknown, nil
	}
	return document.Parse([]byte(text))
}

func (s *setting) check(t *testing.T, n int, source, want string) {
	t.Helper()
	x, err := lang.Compile(source, s.env)
	if part, ok := strings.CutPrefix(want, "error: "); ok {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("line %d: %s: got error %v, want one with %q", n, source, err, part)
		}
		return
	}
	if err != nil {
		t.Errorf("line %d: %v", n, err)
		return
	}
	got, err := x.Eval(s.vars, &s.change)
	if err != nil {
		t.Errorf("line %d: %s: %v", n, source, err)
		return
	}
	wanted, err := read(want)
	if err != nil {
		t.Fatalf("line %d: result %s: %v", n, want, err)
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("line %d: %s (-want +got):\n%s", n, source, diff)
	}
}

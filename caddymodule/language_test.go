package caddymodule_test

import (
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/sidehook/sidehook/caddymodule"
	"github.com/sidehook/sidehook/rules/lang"
)

var (
	// heading matches the title of a section of Markdown.
	heading = regexp.MustCompile(`(?m)^##+ (.*)$`)
	// coded matches what is code in Markdown: between backticks, or a line of a
	// block. Its word is that with which the code begins.
	coded = regexp.MustCompile("(?m)(?:`|^(?: {4}|\t)[ \t]*)\\.?([A-Za-z_][A-Za-z0-9_]*)")
	// linked matches a link to another page.
	linked = regexp.MustCompile(`\]\(([a-z]+\.md)(?:#[^)]*)?\)`)
	// row matches the first cell of a table's row.
	row = regexp.MustCompile("(?m)^\\| (`.*?`) +\\|")
)

// inSections says which option tables a section of docs/language.md tells of.
var inSections = map[string][]string{
	"A site: `sidehook`":             {"handler"},
	"For all resources, or for one":  {"defaults"},
	"A resource":                     {"resource"},
	"Further calls: `on`":            {"on"},
	"Rules: `emit`":                  {"emit"},
	"The global options: `sidehook`": {"app", "egress"},
	"A subscription":                 {"subscription"},
	"What may be otherwise: `for`":   {"for"},
	"A site's API: `sidehook_api`":   {"api", "dialect", "route"},
}

// Each word of the Caddyfile is named in its section of docs/language.md, or in a
// page that the section links to; and the section's table names no others.
func TestTheLanguageReferenceHasEveryWord(t *testing.T) {
	sections, words := languageSections(t), caddymodule.Words()
	var told []string
	for _, title := range slices.Sorted(maps.Keys(inSections)) {
		text, ok := sections[title]
		if !ok {
			t.Errorf("there is no section %q", title)
			continue
		}
		here := namedIn(text)
		named := maps.Clone(here)
		for _, page := range linked.FindAllStringSubmatch(text, -1) {
			maps.Copy(named, namedIn(read(t, "../docs/"+page[1])))
		}
		var known []string
		for _, table := range inSections[title] {
			told = append(told, table)
			known = append(known, words[table]...)
		}
		for _, word := range known {
			if !named[word] {
				t.Errorf("%s: %s is named neither there nor in a page that it links to", title, word)
			}
		}
		for _, cell := range row.FindAllStringSubmatch(text, -1) {
			for word := range namedIn(cell[1]) {
				if !slices.Contains(known, word) {
					t.Errorf("%s: its table has %s, which is no word there", title, word)
				}
			}
		}
	}
	for table := range words {
		if !slices.Contains(told, table) {
			t.Errorf("no section tells of the options of %s", table)
		}
	}
}

func TestTheLanguageReferenceHasEveryFunctionAndName(t *testing.T) {
	named := namedIn(languageSections(t)["Expressions"])
	for _, name := range lang.Functions() {
		if !named[name] {
			t.Errorf("the function %s is not named", name)
		}
	}
	for env := lang.EnvRequest; env <= lang.EnvDialect; env++ {
		for _, name := range env.Names() {
			if !named[name] {
				t.Errorf("the name %s of %s is not named", name, env)
			}
		}
	}
}

// languageSections returns docs/language.md by the titles of its sections.
func languageSections(t *testing.T) map[string]string {
	t.Helper()
	text := read(t, "../docs/language.md")
	at := heading.FindAllStringSubmatchIndex(text, -1)
	if len(at) == 0 {
		t.Fatal("docs/language.md has no sections")
	}
	out := make(map[string]string)
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		out[text[m[2]:m[3]]] = text[m[1]:end]
	}
	return out
}

// namedIn returns the words with which code in text begins.
func namedIn(text string) map[string]bool {
	out := make(map[string]bool)
	for _, m := range coded.FindAllStringSubmatch(text, -1) {
		out[m[1]] = true
	}
	return out
}

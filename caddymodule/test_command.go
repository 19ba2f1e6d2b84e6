package caddymodule

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/command"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/cases"
)

// testCommand says which events the exchanges in a file earn.
func testCommand() *cobra.Command {
	t := tester{}
	cmd := &cobra.Command{
		Use:   "test FILE…",
		Short: "Say which events the requests and responses in text files earn",
		Long: `Each FILE holds a request and its response, in sections:

	A payment changes one field, so the event carries one field.
	-- rules --
	resource order /orders
	-- before --
	{"id": "o-1", "status": "open"}
	-- exchange --
	PATCH /orders/o-1

	{"status": "paid"}
	-- answer --
	200

	{"id": "o-1", "status": "paid"}
	-- events --

rules holds the lines of a sidehook block, or a whole Caddyfile; without that
section the rules are those of --config. If there is a section events, the
events must be those, else they are printed.`,
		Args: command.Arguments(1, math.MaxInt),
		RunE: func(cmd *cobra.Command, files []string) error {
			t.out = cmd.OutOrStdout()
			return t.files(files)
		},
	}
	t.configFlags.add(cmd)
	cmd.Flags().StringVar(&t.api, "api", "", "the api whose rules count, if the configuration has several")
	cmd.Flags().BoolVarP(&t.update, "update", "u", false, "write the events into the files")
	return cmd
}

// tester runs cases.
type tester struct {
	configFlags
	api    string
	update bool
	out    io.Writer
}

// files runs all files, and is an error if one of them is not as it says.
func (t *tester) files(files []string) error {
	wrong := 0
	for _, file := range files {
		good, err := t.file(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if !good {
			wrong++
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d files say something else", wrong, len(files))
	}
	return nil
}

// file runs one case and reports whether its events are as it says.
func (t *tester) file(name string) (good bool, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return false, err
	}
	c, err := cases.Parse(text)
	if err != nil {
		return false, err
	}
	p, err := t.program(c, name)
	if err != nil {
		return false, err
	}
	if t.update {
		text, err := c.Update(p)
		if err != nil {
			return false, err
		}
		return true, os.WriteFile(name, text, 0o644)
	}
	if strings.TrimSpace(c.Events) == "" {
		events, err := c.Run(p)
		if err == nil {
			_, err = io.WriteString(t.out, cmp.Or(events, "no events\n"))
		}
		return true, err
	}
	diff, err := c.Check(p)
	if err != nil {
		return false, err
	}
	fmt.Fprintf(t.out, "%s: %s\n", name, strings.TrimSuffix(cmp.Or(diff, "as it says"), "\n"))
	return diff == "", nil
}

// program returns the rules of a case: its own, or else the configuration's.
func (t *tester) program(c *cases.Case, name string) (*rules.Program, error) {
	switch {
	case c.Config != nil:
		var config rules.Config
		dec := json.NewDecoder(bytes.NewReader(c.Config))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&config); err != nil {
			return nil, fmt.Errorf("config.json: %w", err)
		}
		return rules.Compile(&config)
	case c.Rules != nil:
		configs, err := configsOf(c.Rules, name+" (rules)")
		if err != nil {
			return nil, err
		}
		return t.choose(configs)
	}
	text, _, _, err := caddycmd.LoadConfig(t.config, t.adapter)
	if err != nil {
		return nil, err
	}
	configs, err := handlersIn(text)
	if err != nil {
		return nil, err
	}
	return t.choose(configs)
}

// configsOf reads rules that are a Caddyfile, or the lines of a sidehook block.
func configsOf(text []byte, name string) ([]*rules.Config, error) {
	tokens, err := caddyfile.Tokenize(text, name)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(tokens) == 0 {
		return nil, errors.New("the section rules is empty: write lines like resource order /orders")
	}
	if _, ours := handlerOptions[tokens[0].Text]; ours {
		brace := caddyfile.Token{File: name, Text: "{"}
		last := caddyfile.Token{File: name, Text: "}", Line: tokens[len(tokens)-1].Line + 1}
		tokens = slices.Concat([]caddyfile.Token{{File: name, Text: "sidehook"}, brace}, tokens, []caddyfile.Token{last})
	}
	if tokens[0].Text == "sidehook" {
		segment := caddyfile.Segment(tokens)
		replacer := httpcaddyfile.NewShorthandReplacer()
		replacer.ApplyToSegment(&segment)
		var h Handler
		err := h.UnmarshalCaddyfile(caddyfile.NewDispenser(segment))
		return []*rules.Config{&h.Config}, err
	}
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": name})
	if err != nil {
		return nil, err
	}
	return handlersIn(adapted)
}

// handlersIn returns the configurations of all sidehook handlers in adapted
// configuration, wherever they stand.
func handlersIn(text []byte) ([]*rules.Config, error) {
	var found []*rules.Config
	var walk func(raw json.RawMessage) error
	walk = func(raw json.RawMessage) error {
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) == nil {
			for _, v := range list {
				if err := walk(v); err != nil {
					return err
				}
			}
			return nil
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil {
			return nil
		}
		if string(object["handler"]) == `"sidehook"` {
			c := new(rules.Config)
			found = append(found, c)
			return json.Unmarshal(raw, c)
		}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			if err := walk(object[key]); err != nil {
				return err
			}
		}
		return nil
	}
	return found, walk(text)
}

// choose compiles the configuration that counts.
func (t *tester) choose(configs []*rules.Config) (*rules.Program, error) {
	var names []string
	var chosen *rules.Config
	for _, c := range configs {
		name := cmp.Or(c.API, rules.DefaultAPI)
		if t.api == "" || t.api == name {
			chosen = c
			names = append(names, name)
		}
	}
	switch {
	case chosen == nil && t.api != "":
		return nil, fmt.Errorf("the configuration has no sidehook block of api %s", t.api)
	case chosen == nil:
		return nil, errors.New("there are no rules: add a section rules, or name a configuration with --config that has a sidehook block")
	case len(names) > 1:
		return nil, fmt.Errorf("the configuration has %d sidehook blocks (%s): put the rules to try into a section rules, or choose with --api", len(names), strings.Join(names, ", "))
	}
	return rules.Compile(chosen)
}

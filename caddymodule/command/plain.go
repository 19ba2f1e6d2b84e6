package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sidehook/sidehook/caddymodule/words"
)

// printPlain prints a JSON object for people: a line for each field, in its order,
// times as they are in lists, what is nested as JSON.
func printPlain(w io.Writer, object json.RawMessage) error {
	dec := json.NewDecoder(bytes.NewReader(object))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		_, err := fmt.Fprintln(w, string(bytes.TrimSpace(object)))
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		fmt.Fprintf(t, "%s\t%s\n", name, plainText(value))
	}
	return t.Flush()
}

// plainText is a JSON value as people read it.
func plainText(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return words.Clock(at)
		}
		return text
	}
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil {
		parts := make([]string, len(list))
		for i := range list {
			parts[i] = plainText(list[i])
		}
		return strings.Join(parts, ", ")
	}
	return string(value)
}

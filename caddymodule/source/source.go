// Package source is what a configuration takes from elsewhere when it is loaded:
// {env.NAME} from the environment, {file./path} from a file. What it does not name
// so stands in it as it is, for everybody to see who can read it.
package source

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// pattern matches what is read.
var pattern = regexp.MustCompile(`\{(env|file)\.([^{}]+)\}`)

// maxFile bounds a file that is read.
const maxFile = 64 << 10

// In reports whether text takes something from elsewhere.
func In(text string) bool { return pattern.MatchString(text) }

// Without returns text without what it takes from elsewhere.
func Without(text string) string { return pattern.ReplaceAllString(text, "") }

// Read returns text with {env.NAME} and {file./path} replaced by what they
// hold; missing or empty is an error that names it.
func Read(text string) (string, error) {
	return ReadWith(text, func(s string) string { return s })
}

// ReadWith is [Read]; quote is applied to each value.
func ReadWith(text string, quote func(string) string) (string, error) {
	var first error
	out := pattern.ReplaceAllStringFunc(text, func(found string) string {
		m := pattern.FindStringSubmatch(found)
		read := variable
		if m[1] == "file" {
			read = File
		}
		value, err := read(m[2])
		if err != nil && first == nil {
			first = err
		}
		return quote(value)
	})
	return out, first
}

// variable returns what the environment has under a name.
func variable(name string) (string, error) {
	value, ok := os.LookupEnv(name)
	switch {
	case !ok:
		return "", fmt.Errorf("{env.%s}: the environment variable %s is not set", name, name)
	case strings.TrimSpace(value) == "":
		return "", fmt.Errorf("{env.%s}: the environment variable %s is empty", name, name)
	}
	return value, nil
}

// File returns what a file holds, without line breaks at its end. It has 64 KiB at
// most, and is not empty.
func File(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("{file.%s}: %w", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("{file.%s}: %w", name, err)
	case len(b) > maxFile:
		return "", fmt.Errorf("{file.%s} has more than %d bytes: is that the right file?", name, maxFile)
	case strings.TrimSpace(string(b)) == "":
		return "", fmt.Errorf("{file.%s}: the file is empty", name)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

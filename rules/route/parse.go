package route

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

var (
	paramName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	shorthand = regexp.MustCompile(`\{http\.[^}]*\}`)
)

// Parse reads a pattern that begins with a slash.
func Parse(text string) (*Pattern, error) {
	if !strings.HasPrefix(text, "/") {
		return nil, fmt.Errorf("path %q: write it with a slash first, like /api/projects", text)
	}
	if got := shorthand.FindString(text); got != "" {
		name := strings.Trim(got[strings.LastIndexByte(got, '.')+1:], "{}")
		return nil, fmt.Errorf("path %q: Caddy replaced a shorthand like {%s} by the placeholder %s before it came here; "+
			"give the parameter a name that is no shorthand of Caddy's, like {%s_}", text, name, got, name)
	}
	if strings.ContainsAny(text, "?#") {
		return nil, fmt.Errorf("path %q: leave out the query; a route is a path, and `when` can read request.query", text)
	}
	p := &Pattern{text: text}
	if text == "/" { // its only part is empty
		p.segments = []segment{{}}
		return p, nil
	}
	seen := make(map[string]bool)
	for part := range strings.SplitSeq(trim(text), "/") {
		s, err := parseSegment(part)
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", text, err)
		}
		if s.param != "" && seen[s.param] {
			return nil, fmt.Errorf("path %q has {%s} twice: give each parameter its own name", text, s.param)
		}
		seen[s.param] = true
		p.segments = append(p.segments, s)
	}
	for _, s := range p.segments[:len(p.segments)-1] {
		if s.rest {
			return nil, fmt.Errorf("path %q: {%s...} takes all that is left of a path: let it be the last part", text, s.param)
		}
	}
	if len(p.segments) > maxSegments {
		return nil, fmt.Errorf("path %q has more than %d parts", text, maxSegments)
	}
	return p, nil
}

func parseSegment(part string) (segment, error) {
	if part == "" {
		return segment{}, fmt.Errorf("a part is empty: write single slashes")
	}
	prefix, rest, ok := strings.Cut(part, "{")
	if !ok {
		if strings.Contains(part, "}") {
			return segment{}, fmt.Errorf("part %q has a } without a {", part)
		}
		text, err := url.PathUnescape(part)
		if err != nil {
			return segment{}, fmt.Errorf("part %q: write %%25 for a percent sign", part)
		}
		return segment{prefix: text}, nil
	}
	name, suffix, ok := strings.Cut(rest, "}")
	if !ok || strings.ContainsAny(suffix, "{}") {
		return segment{}, fmt.Errorf("part %q: one parameter in braces for each part, like {id} or {id}.json", part)
	}
	name, all := strings.CutSuffix(name, "...")
	if all && prefix+suffix != "" {
		return segment{}, fmt.Errorf("part %q: {%s...} takes whole parts: write nothing else there", part, name)
	}
	if !paramName.MatchString(name) {
		return segment{}, fmt.Errorf("{%s} is no name for a parameter: small letters, digits and _, like {project_id}", name)
	}
	return segment{prefix, name, suffix, all}, nil
}

// trim returns text without its first slash and one at its end.
func trim(text string) string { return strings.TrimSuffix(text[1:], "/") }

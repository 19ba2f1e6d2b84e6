package ruleset

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/sidehook/sidehook/rules"
)

// Routes returns the calls that are captured for r, a line for each path.
func Routes(r *rules.Resource) []string {
	item := cmp.Or(r.Item, "{id}")
	usual := []rules.Route{
		{Method: "POST", Path: r.Path, Operation: "create"},
		{Method: "PUT", Path: item, Operation: "update"},
		{Method: "PATCH", Path: item, Operation: "update"},
		{Method: "DELETE", Path: item, Operation: "delete"},
	}
	if r.Singular {
		usual = usual[1:]
		for i := range usual {
			usual[i].Path = r.Path
		}
	}
	type call struct{ operation, path string }
	methods := make(map[call][]string)
	var order []call
	taken := make(map[string]int) // method and path, to the last route that has them
	all := append(usual, r.On...)
	for i, route := range all {
		taken[route.Method+" "+below(r.Path, route.Path)] = i
	}
	for i, route := range all {
		c := call{cmp.Or(route.Operation, "update"), below(r.Path, route.Path)}
		if taken[route.Method+" "+c.path] != i {
			continue
		}
		if methods[c] == nil {
			order = append(order, c)
		}
		methods[c] = append(methods[c], route.Method)
	}
	lines := make([]string, len(order))
	for i, c := range order {
		lines[i] = fmt.Sprintf("%-6s %-10s %s", c.operation, strings.Join(methods[c], "|"), c.path)
	}
	return lines
}

// below returns path as it is in full, below base unless it is absolute.
func below(base, path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return strings.TrimSuffix(base, "/") + "/" + path
}

// Package patch reads what a request says is to be done to an entity, where it does
// not say what the entity is to be: JSON patches (pointer.go), those of SCIM (scim.go), and
// the commands of databases' APIs (commands.go), like {"$inc": {"visits": 1}}.
package patch

import "strings"

// Names returns the names in a JSON pointer (RFC 6901).
func Names(pointer string) []string {
	if !strings.HasPrefix(pointer, "/") {
		return nil
	}
	names := strings.Split(pointer[1:], "/")
	for i, n := range names {
		names[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(n)
	}
	return names
}

// pointerTo returns a JSON pointer (RFC 6901).
func pointerTo(names []string) string {
	var b strings.Builder
	for _, name := range names {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	return b.String()
}

package tree

import "strings"

// Join returns the path of name below path, written as package lang does: a
// dot or backslash inside name, and a star that begins it, have a backslash
// before them; the empty name is `\e`. The text is a copy.
func Join(path, name string) string {
	name = escape(name)
	if path == "" {
		return strings.Clone(name)
	}
	return path + "." + name
}

func escape(name string) string {
	if name == "" {
		return `\e`
	}
	if strings.ContainsAny(name, `.\`) {
		name = strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(name)
	}
	if name[0] == '*' {
		return `\` + name
	}
	return name
}

package lang

import (
	"strings"

	"github.com/expr-lang/expr/ast"
)

// holdsHeaders reports whether name is a request or response with headers,
// which are kept only as far as an expression names them.
func (c *compiler) holdsHeaders(name string) bool {
	_, ok := environments[c.env][name]["header"]
	return ok
}

// headerField compiles request.header["Name"], if n is one.
func (c *compiler) headerField(n *ast.MemberNode) (done bool, _ node, _ error) {
	of, ok := inner(n.Node).(*ast.MemberNode)
	if !ok {
		return false, nil, nil
	}
	root, ok := inner(of.Node).(*ast.IdentifierNode)
	if !ok || c.isLet(root.Value) || !c.holdsHeaders(root.Value) {
		return false, nil, nil
	}
	if p, ok := of.Property.(*ast.StringNode); !ok || p.Value != "header" {
		return false, nil, nil
	}
	field, ok := n.Property.(*ast.StringNode)
	if !ok {
		return true, nil, errorAt(n, "%s.header wants the name of one field in quotes: write %s.header[\"X-Space-Id\"]", root.Value, root.Value)
	}
	name := CanonicalHeader(field.Value)
	if credentialHeaders[name] && c.env != EnvDialect { // which keeps nothing by itself
		return true, nil, errorAt(n, "%s is a credential, and credentials are never kept: use actor or a Caddy placeholder such as {http.auth.user.id}", name)
	}
	if root.Value == "request" {
		c.expr.requestHeaders = append(c.expr.requestHeaders, name)
	} else {
		c.expr.responseHeaders = append(c.expr.responseHeaders, name)
	}
	all := c.read(root.Value)
	return true, func(f *frame) any { return fieldOf(fieldOf(all(f), "header"), name) }, nil
}

// credentialHeaders never reach the disk.
var credentialHeaders = map[string]bool{
	"Authorization": true, "Proxy-Authorization": true, "Cookie": true, "Set-Cookie": true,
}

// CanonicalHeader returns name as net/http writes it: X-Space-Id.
func CanonicalHeader(name string) string {
	b := []byte(strings.TrimSpace(name))
	upper := true
	for i, ch := range b {
		switch {
		case upper && ch >= 'a' && ch <= 'z':
			b[i] = ch - 'a' + 'A'
		case !upper && ch >= 'A' && ch <= 'Z':
			b[i] = ch - 'A' + 'a'
		}
		upper = ch == '-'
	}
	return string(b)
}

// Package caller is what a request to the subscription API tells of who makes it, as
// the operator has it told: by a placeholder of Caddy's, or by an expression.
package caller

import (
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
)

// Expr tells something of a caller by its request: it is one placeholder, or an
// expression over the request.
type Expr struct {
	placeholder string // without braces
	expr        *lang.Expr
}

// Compile compiles text; "" is nil.
func Compile(text string) (*Expr, error) {
	if text == "" {
		return nil, nil
	}
	if directive.IsPlaceholder(text) {
		name := text[1 : len(text)-1]
		return &Expr{placeholder: name}, rules.CheckPlaceholder(name)
	}
	x, err := lang.Compile(text, lang.EnvRequest)
	if err != nil {
		return nil, err
	}
	for _, name := range x.Reads() {
		if name != "request" {
			return nil, fmt.Errorf("it reads %s: here only the request is known, as in request.header[\"X-Space-Id\"]", name)
		}
	}
	fields, _ := x.Headers()
	for _, name := range fields {
		if err := rules.CheckField(name); err != nil {
			return nil, err
		}
	}
	return &Expr{expr: x}, nil
}

// Text returns what c tells of r; "" for what is not there.
func (c *Expr) Text(r *http.Request) (string, error) {
	if c == nil {
		return "", nil
	}
	if c.placeholder != "" {
		return Placeholder(r, c.placeholder), nil
	}
	v, err := c.expr.Eval(vars{r}, nil)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case int64, bool:
		return fmt.Sprint(v), nil
	}
	return "", nil
}

// Placeholder returns what Caddy knows of r under a name; "" for what is not there.
func Placeholder(r *http.Request, name string) string {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return ""
	}
	text, _ := repl.GetString(name)
	return text
}

// vars gives expressions what is known of a request but its body.
type vars struct{ r *http.Request }

// Lookup implements [lang.Vars].
func (v vars) Lookup(name string) any {
	if name != "request" {
		return nil
	}
	return Request(v.r)
}

// Request returns r as expressions see it, without its body. A header or a parameter
// that comes twice is not there: one of both may be forged.
func Request(r *http.Request) map[string]any {
	header, query := map[string]any{}, map[string]any{}
	for name, values := range r.Header {
		if len(values) == 1 {
			header[name] = values[0]
		}
	}
	for name, values := range r.URL.Query() {
		if len(values) == 1 {
			query[name] = values[0]
		}
	}
	return map[string]any{"method": r.Method, "path": r.URL.EscapedPath(), "header": header, "query": query}
}

// Path is the path that the client asked for.
func Path(r *http.Request) string {
	if o, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && o.URL != nil {
		return o.URL.Path
	}
	return r.URL.Path
}

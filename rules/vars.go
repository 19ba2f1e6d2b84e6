package rules

import (
	"net/url"

	"github.com/sidehook/sidehook/rules/document"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// callVars gives expressions what is known of a call by itself. It keeps what
// it has read, and is for one goroutine at a time.
type callVars struct {
	m            *Match
	req          *webhook.Request
	placeholders map[string]string

	res     *webhook.Response // nil: not answered yet
	reqTree *tree.Value
	resTree *tree.Value

	request, response *lazy

	tenant, actor           string
	knowsTenant, knowsActor bool // they were worked out
}

// Lookup implements [lang.Vars].
func (v *callVars) Lookup(name string) any {
	switch name {
	case "request":
		if v.request == nil {
			v.request = &lazy{read: v.requestField, names: []string{"method", "path", "query", "header", "body"}}
		}
		return v.request
	case "response":
		if v.res == nil {
			return nil
		}
		if v.response == nil {
			v.response = &lazy{read: v.responseField, names: []string{"status", "header", "body"}}
		}
		return v.response
	case "params":
		return v.m.params
	case "actor":
		if a := v.actorOf(v); a != "" {
			return a
		}
	}
	return nil
}

func (v *callVars) requestField(name string) any {
	switch name {
	case "method":
		return v.m.effective(v.req)
	case "path":
		return v.req.Path
	case "query":
		return query(v.req.Query)
	case "header":
		return header(v.req.Header)
	case "body":
		return decoded(v.reqTree, v.req.Body)
	}
	return nil
}

func (v *callVars) responseField(name string) any {
	switch name {
	case "status":
		return int64(v.res.Status)
	case "header":
		return header(v.res.Header)
	case "body":
		return decoded(v.resTree, v.res.Body)
	}
	return nil
}

// decoded returns a body's value: unknown if there is one that was not kept,
// nil if it is none that is read.
func decoded(v *tree.Value, b webhook.Body) any {
	if v == nil {
		if !b.Whole() {
			return lang.Unknown
		}
		return nil
	}
	return document.Of(v)
}

// header returns the first value of each field.
func header(h webhook.Header) map[string]any {
	out := make(map[string]any, len(h))
	for name, values := range h {
		if len(values) > 0 {
			out[name] = values[0]
		}
	}
	return out
}

// query returns each parameter: its text, or an array if it is repeated.
func query(raw string) map[string]any {
	values, _ := url.ParseQuery(raw) // what it could read is in values
	out := make(map[string]any, len(values))
	for name, list := range values {
		if len(list) == 1 {
			out[name] = list[0]
			continue
		}
		all := make([]any, len(list))
		for i, s := range list {
			all[i] = s
		}
		out[name] = all
	}
	return out
}

// keyTenant returns the tenant that is part of the entity's key, "" if there is
// none.
func (v *callVars) keyTenant() string {
	if t := v.m.e.res.tenant; !v.knowsTenant && t != nil && !t.ofEntity {
		v.tenant = t.text(v, v.placeholders)
	}
	v.knowsTenant = true
	return v.tenant
}

// actorOf returns who did it, "" if that is not known. vars may know the entity.
func (v *callVars) actorOf(vars lang.Vars) string {
	a := v.m.e.res.actor
	if a == nil {
		return ""
	}
	if a.ofEntity {
		return a.text(vars, v.placeholders)
	}
	if !v.knowsActor {
		v.actor, v.knowsActor = a.text(vars, v.placeholders), true
	}
	return v.actor
}

func (o *origin) text(vars lang.Vars, placeholders map[string]string) string {
	if o.placeholder != "" {
		return placeholders[o.placeholder]
	}
	out, err := o.expr.Eval(vars, nil)
	if err != nil {
		return ""
	}
	return textOf(out)
}

// textOf returns an id, a tenant or an actor as text; "" for what is none.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64, float64, bool:
		b, err := lang.Encode(v)
		if err != nil {
			return ""
		}
		return string(b)
	}
	return ""
}

// lazy is a [lang.Object] that reads its fields once, when they are asked for.
type lazy struct {
	read   func(name string) any
	names  []string
	values map[string]any
}

// Field implements [lang.Object].
func (l *lazy) Field(name string) any {
	if v, ok := l.values[name]; ok {
		return v
	}
	v := l.read(name)
	if l.values == nil {
		l.values = make(map[string]any, len(l.names))
	}
	l.values[name] = v
	return v
}

// Value implements [lang.Object].
func (l *lazy) Value() map[string]any {
	for _, n := range l.names {
		if o, ok := l.Field(n).(lang.Object); ok {
			l.values[n] = o.Value()
		}
	}
	return l.values
}

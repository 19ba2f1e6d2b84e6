package lang

// frame is the state of one evaluation.
type frame struct {
	vars   Vars
	change *Change
	expr   *Expr

	values []any // of expr.names
	lets   []any
	scopes []scope
	steps  int
	most   int // steps

	few [4]any // backs values
}

// scope is where one any(), filter()… stands.
type scope struct {
	item  any
	index int
}

// unread marks a name that was not looked up yet.
type unread struct{}

// run evaluates x.
func (f *frame) run(x *Expr) any {
	f.init(x)
	f.spend(x.nodes)
	out := plain(x.run(f))
	f.measure(out)
	return out
}

func (f *frame) init(x *Expr) {
	if len(x.names) <= len(f.few) {
		f.values = f.few[:len(x.names)]
	} else {
		f.values = make([]any, len(x.names))
	}
	for i := range f.values {
		f.values[i] = unread{}
	}
	if x.lets > 0 {
		f.lets = make([]any, x.lets)
	}
	if x.scopes > 0 {
		f.scopes = make([]scope, x.scopes)
	}
}

// name returns the value of expr.names[i].
func (f *frame) name(i int) any {
	v := f.values[i]
	if _, ok := v.(unread); !ok {
		return v
	}
	if f.vars != nil {
		v = value(f.vars.Lookup(f.expr.names[i]))
	} else {
		v = nil
	}
	f.values[i] = v
	return v
}

// value makes sure that v is a value of the language.
func value(v any) any {
	switch v.(type) {
	case nil, bool, string, int64, float64, []any, map[string]any, unknown, Object:
		return v
	}
	n, _ := normal(v)
	return n
}

// spend counts n steps and reports whether there are any left. Past the bound
// loops stop, and what they return no longer matters.
func (f *frame) spend(n int) bool {
	if f == nil {
		return true
	}
	if n < 0 || f.steps+n > f.most {
		f.steps = f.most + 1
		return false
	}
	f.steps += n
	return true
}

// spendText counts n bytes of text.
func (f *frame) spendText(n int) bool { return f.spend(n/8 + 1) }

// measure counts what v holds: a text that names one array twice, and the
// result of that twice, makes small expressions with endless results.
func (f *frame) measure(v any) bool {
	switch v := v.(type) {
	case string:
		return f.spendText(len(v))
	case []any:
		for _, e := range v {
			if !f.spend(1) || !f.measure(e) {
				return false
			}
		}
	case map[string]any:
		for _, e := range v {
			if !f.spend(1) || !f.measure(e) {
				return false
			}
		}
	}
	return true
}

package rules

import (
	"net/textproto"
	"regexp"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/webhook"
)

// headerPlaceholder begins the placeholders that are fields of the request's header.
const headerPlaceholder = "http.request.header."

// tellsTenant notes by which fields of a request's header it is told whose an
// entity is, where that is a part of its key.
func (p *Program) tellsTenant() {
	p.tenantFields = make(map[string]string)
	for _, r := range p.resources {
		if r.tenant != nil && !r.tenant.ofEntity {
			p.tellsBy(r.tenant, r.actor)
		}
	}
	p.tenantHeaders = eachOnce(p.tenantHeaders)
}

// TellsTenant reports whether p tells of any call whose it is.
func (p *Program) TellsTenant() bool {
	return p.outside.tenant != nil || slices.ContainsFunc(p.resources, func(r *resource) bool { return r.tenant != nil })
}

// tellsBy notes the fields that o reads; actor is what it may read too.
func (p *Program) tellsBy(o, actor *origin) {
	if name, ok := strings.CutPrefix(o.placeholder, headerPlaceholder); ok {
		p.tenantFields[o.placeholder] = textproto.CanonicalMIMEHeaderKey(name)
	}
	if o.expr == nil {
		return
	}
	names, _ := o.expr.Headers()
	p.tenantHeaders = append(p.tenantHeaders, names...)
	if actor != nil && slices.Contains(o.expr.Reads(), "actor") {
		p.tellsBy(actor, nil)
	}
}

// readsHeader is an expression that is one field of the request's header.
var readsHeader = regexp.MustCompile(`^request\.header\["([^"]+)"\]$`)

// TenantNamed returns the header field that says that a call is of tenant, where
// tenants are told by one, and by no more than that; else nil.
func (m *Match) TenantNamed(tenant string) webhook.Header {
	o := m.e.res.tenant
	if o == nil || tenant == "" {
		return nil
	}
	name, ok := strings.CutPrefix(o.placeholder, headerPlaceholder)
	if o.expr != nil {
		if found := readsHeader.FindStringSubmatch(o.expr.String()); found != nil {
			name, ok = found[1], true
		}
	}
	if !ok {
		return nil
	}
	return webhook.Header{textproto.CanonicalMIMEHeaderKey(name): {tenant}}
}

// TenantHeader returns the header fields of a call by which its tenant is told,
// nil if there are none: a GET by somebody else than its caller that lacks them
// may show what another tenant has under the same id.
func (p *Program) TenantHeader(q *webhook.Request, placeholders map[string]string) webhook.Header {
	var h webhook.Header
	add := func(name string, values []string) {
		if h == nil {
			h = make(webhook.Header)
		}
		h[name] = values
	}
	for _, name := range p.tenantHeaders {
		if values := q.Header[name]; len(values) > 0 {
			add(name, values)
		}
	}
	for placeholder, name := range p.tenantFields {
		if v := placeholders[placeholder]; v != "" {
			add(name, []string{v})
		}
	}
	return h
}

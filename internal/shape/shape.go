// Package shape learns what JSON documents look like: which fields there are, of
// which types, and which are always there. It keeps no value of any document.
//
// Names are kept, and may tell something too: of those that only one group of
// documents has, others are told nothing (see [Shape.Schema]); and an object whose
// names look like values, or are too many, is taken for a map of them.
package shape

import (
	"bytes"
	"encoding/json"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Bounds of a shape.
const (
	maxDepth  = 8
	maxFields = 80   // of an object; with more it is a map
	maxNodes  = 600  // of a shape
	maxItems  = 20   // of an array that are looked at
	maxName   = 64   // bytes of a field's name
	anyField  = "*"  // what stands for the values of a map
	maxText   = 2048 // bytes of a text that are looked at for a format
)

// Types that a value was seen to have.
const (
	null uint8 = 1 << iota
	boolean
	integer
	number
	text
	object
	array
)

// Shape is what is known of documents. Its zero value has seen none. It is not
// safe for concurrent use.
type Shape struct {
	Types   uint8             `json:"t,omitempty"`
	Formats uint8             `json:"f,omitempty"` // that all texts had
	Texts   bool              `json:"s,omitempty"` // a text was seen
	Seen    uint32            `json:"n,omitempty"`
	Objects uint32            `json:"o,omitempty"`
	Group   uint64            `json:"g,omitempty"` // the one that had it
	Several bool              `json:"m,omitempty"` // several had it
	Fields  map[string]*Shape `json:"p,omitempty"`
	Map     bool              `json:"d,omitempty"` // Fields has anyField only
	Items   *Shape            `json:"i,omitempty"`
}

// Learn adds a document of a group. What is no JSON teaches nothing.
func (s *Shape) Learn(doc []byte, group uint64) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return
	}
	l := learner{group: group, nodes: s.nodes()}
	l.learn(s, v, 0)
}

func (s *Shape) nodes() int {
	if s == nil {
		return 0
	}
	n := 1 + s.Items.nodes()
	for _, f := range s.Fields {
		n += f.nodes()
	}
	return n
}

type learner struct {
	group uint64
	nodes int
}

func (l *learner) learn(s *Shape, v any, depth int) {
	switch {
	case s.Seen == 0:
		s.Group = l.group
	case s.Group != l.group:
		s.Several = true
	}
	s.Seen++
	switch v := v.(type) {
	case nil:
		s.Types |= null
	case bool:
		s.Types |= boolean
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			s.Types |= number
		} else {
			s.Types |= integer
		}
	case string:
		s.text(v)
	case []any:
		s.Types |= array
		l.items(s, v, depth)
	case map[string]any:
		s.Types |= object
		s.Objects++
		l.fields(s, v, depth)
	}
}

// new returns a shape for something below another, nil if there is no room.
func (l *learner) new(depth int) *Shape {
	if depth >= maxDepth || l.nodes >= maxNodes {
		return nil
	}
	l.nodes++
	return new(Shape)
}

func (l *learner) items(s *Shape, list []any, depth int) {
	if len(list) == 0 {
		return
	}
	if s.Items == nil {
		if s.Items = l.new(depth); s.Items == nil {
			return
		}
	}
	for _, v := range list[:min(len(list), maxItems)] {
		l.learn(s.Items, v, depth+1)
	}
}

func (l *learner) fields(s *Shape, fields map[string]any, depth int) {
	if !s.Map && l.isMap(s, fields) {
		l.nodes -= s.nodes()
		s.Map, s.Fields = true, nil
		l.nodes += s.nodes()
	}
	for name, v := range fields {
		if s.Map {
			name = anyField
		}
		f := s.Fields[name]
		if f == nil {
			if f = l.new(depth); f == nil {
				continue
			}
			if s.Fields == nil {
				s.Fields = map[string]*Shape{}
			}
			s.Fields[name] = f
		}
		l.learn(f, v, depth+1)
	}
}

// isMap reports whether the names of fields are values: of what differs from one
// document to the next nobody makes a list.
func (l *learner) isMap(s *Shape, fields map[string]any) bool {
	more := 0
	for name := range fields {
		if len(name) > maxName || !fieldName.MatchString(name) || looksLikeID.MatchString(name) {
			return true
		}
		if s.Fields[name] == nil {
			more++
		}
	}
	return len(s.Fields)+more > maxFields
}

var (
	fieldName   = regexp.MustCompile(`^[\pL_$@][\pL\pN_$.:-]*$`)
	looksLikeID = regexp.MustCompile(`[0-9]{5}|^[0-9a-fA-F-]{16,}$|.@.`)
)

// Formats of texts.
const (
	dateTime uint8 = 1 << iota
	date
	email
	uuid
	uri
)

var formats = []struct {
	bit     uint8
	name    string
	example string
	is      func(string) bool
}{
	{dateTime, "date-time", "2026-01-31T12:00:00Z", func(s string) bool { _, err := time.Parse(time.RFC3339, s); return err == nil }},
	{date, "date", "2026-01-31", func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil }},
	{uuid, "uuid", "00000000-0000-4000-8000-000000000000", uuidText.MatchString},
	{email, "email", "name@example.com", func(s string) bool {
		a, err := mail.ParseAddress(s)
		return err == nil && a.Address == s
	}},
	{uri, "uri", "https://example.com/", func(s string) bool { u, err := url.Parse(s); return err == nil && u.Scheme != "" && u.Host != "" }},
}

var uuidText = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func (s *Shape) text(v string) {
	s.Types |= text
	var has uint8
	if len(v) <= maxText {
		for _, f := range formats {
			if f.is(v) {
				has |= f.bit
			}
		}
	}
	if s.Texts {
		has &= s.Formats
	}
	s.Texts, s.Formats = true, has
}

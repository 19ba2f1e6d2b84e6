// Package problem is how the subscription API says what is wrong (RFC 9457): a
// status, what to do instead, and each field or parameter that is wrong. It is
// a leaf: whatever judges what somebody sent returns one, and api writes it.
package problem

import (
	"fmt"
	"net/http"
	"strings"
)

// Details is an answer that says what is wrong (RFC 9457).
type Details struct {
	Title  string  `json:"title" jsonschema:"The status in words."`
	Status int     `json:"status" jsonschema:"The status of the answer."`
	Detail string  `json:"detail" jsonschema:"What is wrong, and what to do instead."`
	Errors []Field `json:"errors,omitempty" jsonschema:"What is wrong with each field or parameter."`

	// Header is what the answer has beside.
	Header http.Header `json:"-"`
}

// Field is what is wrong with one field: a JSON pointer into the body
// (RFC 6901), or the name of a query parameter.
type Field struct {
	Pointer   string `json:"pointer,omitempty" jsonschema:"The field: a JSON pointer into the body (RFC 6901)."`
	Parameter string `json:"parameter,omitempty" jsonschema:"The parameter of the query."`
	Detail    string `json:"detail" jsonschema:"What is wrong with it, and what to write instead."`
}

// Error implements error.
func (p *Details) Error() string { return p.Detail }

// New returns the problem of a status.
func New(status int, format string, args ...any) *Details {
	return &Details{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// WrongField returns the problem of a body's field.
func WrongField(pointer, format string, args ...any) *Details {
	return WrongFields(Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// WrongParameter returns the problem of a query parameter.
func WrongParameter(name, format string, args ...any) *Details {
	detail := fmt.Sprintf(format, args...)
	p := New(http.StatusBadRequest, "%s: %s", name, detail)
	p.Errors = []Field{{Parameter: name, Detail: detail}}
	return p
}

// WrongFields returns the problem of several fields.
func WrongFields(fields ...Field) *Details {
	p := New(http.StatusUnprocessableEntity, "%s", InShort(fields))
	p.Errors = fields
	return p
}

// HalfDone is the error of a call that has done a part of what it was to do. What
// says to the caller what was done, what was not, and what to do.
type HalfDone struct {
	What string
	Err  error
}

// Error implements error.
func (h *HalfDone) Error() string { return h.What + ": " + h.Err.Error() }

// Unwrap returns why it was not all done.
func (h *HalfDone) Unwrap() error { return h.Err }

// InShort says what is wrong with fields in one text: of the first three, and
// how many more there are.
func InShort(fields []Field) string {
	const most = 3
	var details []string
	for _, f := range fields[:min(len(fields), most)] {
		details = append(details, f.Detail)
	}
	text := strings.Join(details, "; ")
	if more := len(fields) - most; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// Package mapping makes JSON of lines: a key, and an expression that says what
// stands under it. Payloads and attributes are such lines, and so are the
// answers of a dialect.
package mapping

// Field is one line of a payload or of attributes: a key with an expression,
// or with an object of further fields.
type Field struct {
	Key    string  `json:"key"`
	Expr   string  `json:"expr,omitempty"`
	Fields []Field `json:"fields,omitempty"`

	// Optional leaves the key out where its expression comes to null, or nothing is
	// in its object. In a Caddyfile the key has a question mark: label? item.
	Optional bool `json:"optional,omitempty"`
}

// Payload is the shape of a body: an object of fields, or one expression that
// makes the whole body.
type Payload struct {
	Expr   string  `json:"expr,omitempty"`
	Fields []Field `json:"fields,omitempty"`
}

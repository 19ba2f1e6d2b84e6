package wire

import (
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Reader goes through the fields of one message. The method for a field's
// value is chosen by its number; a value of another wire type is an error,
// which ends the reading and is kept for Err:
//
//	r := wire.NewReader(b)
//	for r.Next() {
//		switch r.Number() {
//		case 1:
//			name = r.String()
//		}
//	}
//	return r.Err()
type Reader struct {
	rest   []byte
	number Number
	typ    protowire.Type
	value  uint64 // of a varint or a fixed64
	bytes  []byte
	err    error
}

// NewReader returns a reader of the message b, which it does not copy.
func NewReader(b []byte) Reader { return Reader{rest: b} }

// Next goes on to the next field; false at the end and after an error.
func (r *Reader) Next() bool {
	if r.err != nil || len(r.rest) == 0 {
		return false
	}
	number, typ, n := protowire.ConsumeTag(r.rest)
	if n < 0 {
		return r.fail(protowire.ParseError(n))
	}
	r.number, r.typ, r.rest = number, typ, r.rest[n:]
	r.value, r.bytes = 0, nil
	switch typ {
	case protowire.VarintType:
		r.value, n = protowire.ConsumeVarint(r.rest)
	case protowire.Fixed64Type:
		r.value, n = protowire.ConsumeFixed64(r.rest)
	case protowire.BytesType:
		r.bytes, n = protowire.ConsumeBytes(r.rest)
	default:
		n = protowire.ConsumeFieldValue(number, typ, r.rest)
	}
	if n < 0 {
		return r.fail(protowire.ParseError(n))
	}
	r.rest = r.rest[n:]
	return true
}

// Number returns the number of the field that Next went to.
func (r *Reader) Number() Number { return r.number }

// Err returns what ended the reading early, or nil.
func (r *Reader) Err() error { return r.err }

// Fail ends the reading with err, for values that mean nothing to the caller.
// A nil err is ignored.
func (r *Reader) Fail(err error) {
	if err != nil {
		r.fail(err)
	}
}

// String returns the field's text.
func (r *Reader) String() string { return string(r.Bytes()) }

// Bytes returns the field's bytes, never nil for a bytes field. They are part
// of the message given to [NewReader]; appending to them does not touch it.
func (r *Reader) Bytes() []byte {
	r.want(protowire.BytesType)
	return r.bytes[:len(r.bytes):len(r.bytes)]
}

// ID returns the field's 16 bytes.
func (r *Reader) ID() (id [16]byte) {
	b := r.Bytes()
	if len(b) != len(id) {
		r.fail(fmt.Errorf("an id of %d bytes instead of 16", len(b)))
		return id
	}
	return [16]byte(b)
}

// Uint returns the field's number.
func (r *Reader) Uint() uint64 {
	r.want(protowire.VarintType)
	return r.value
}

// Int returns the field's number as [AppendInt] wrote it.
func (r *Reader) Int() int64 { return protowire.DecodeZigZag(r.Uint()) }

// Small returns the field's number, which is at most limit: for enumerations
// of which a reader must know all.
func (r *Reader) Small(limit uint8) uint8 {
	v := r.Uint()
	if v > uint64(limit) {
		r.fail(fmt.Errorf("value %d, of which only those to %d are known", v, limit))
		return 0
	}
	return uint8(v)
}

// Bool returns the field's truth.
func (r *Reader) Bool() bool { return protowire.DecodeBool(r.Uint()) }

// Time returns the field's time in UTC.
func (r *Reader) Time() time.Time {
	r.want(protowire.Fixed64Type)
	return time.Unix(0, int64(r.value)).UTC()
}

// Duration returns the field's duration.
func (r *Reader) Duration() time.Duration { return time.Duration(r.Int()) }

// Count returns the field's number as an int that is not negative.
func (r *Reader) Count() int {
	v := r.Uint()
	if v > math.MaxInt32 {
		r.fail(fmt.Errorf("value %d is too large", v))
		return 0
	}
	return int(v)
}

// StringMap adds the pair in the field to m, which may be nil, and returns m.
func (r *Reader) StringMap(m map[string]string) map[string]string {
	var key, value string
	pair := NewReader(r.Bytes())
	for pair.Next() {
		switch pair.Number() {
		case 1:
			key = pair.String()
		case 2:
			value = pair.String()
		}
	}
	r.Fail(pair.Err())
	if m == nil {
		m = make(map[string]string)
	}
	m[key] = value
	return m
}

// Header adds the name and values in the field to h, which may be nil, and
// returns h.
func (r *Reader) Header(h map[string][]string) map[string][]string {
	var key string
	var values []string
	entry := NewReader(r.Bytes())
	for entry.Next() {
		switch entry.Number() {
		case 1:
			key = entry.String()
		case 2:
			values = append(values, entry.String())
		}
	}
	r.Fail(entry.Err())
	if h == nil {
		h = make(map[string][]string)
	}
	h[key] = values
	return h
}

func (r *Reader) want(t protowire.Type) {
	if r.typ != t {
		r.fail(fmt.Errorf("wire type %d instead of %d", r.typ, t))
	}
}

// fail keeps the first error, says which field it concerns, and returns false.
func (r *Reader) fail(err error) bool {
	if r.err == nil {
		r.err = fmt.Errorf("field %d: %w", r.number, err)
	}
	return false
}

package wire

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Number is a field number, from 1.
type Number = protowire.Number

// AppendString appends s as field n; nothing if it is empty.
func AppendString(b []byte, n Number, s string) []byte {
	if s == "" {
		return b
	}
	b = protowire.AppendTag(b, n, protowire.BytesType)
	return protowire.AppendString(b, s)
}

// AppendBytes appends v as field n; nothing if it is nil. An empty v that is
// not nil is kept as such.
func AppendBytes(b []byte, n Number, v []byte) []byte {
	if v == nil {
		return b
	}
	b = protowire.AppendTag(b, n, protowire.BytesType)
	return protowire.AppendBytes(b, v)
}

// AppendID appends a 16-byte id as field n; nothing if it is zero.
func AppendID(b []byte, n Number, id [16]byte) []byte {
	if id == [16]byte{} {
		return b
	}
	b = protowire.AppendTag(b, n, protowire.BytesType)
	return protowire.AppendBytes(b, id[:])
}

// AppendUint appends v as field n; nothing if it is 0.
func AppendUint(b []byte, n Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	b = protowire.AppendTag(b, n, protowire.VarintType)
	return protowire.AppendVarint(b, v)
}

// AppendInt appends v, which may be negative, as field n; nothing if it is 0.
func AppendInt(b []byte, n Number, v int64) []byte {
	return AppendUint(b, n, protowire.EncodeZigZag(v))
}

// AppendBool appends true as field n; nothing if v is false.
func AppendBool(b []byte, n Number, v bool) []byte {
	return AppendUint(b, n, protowire.EncodeBool(v))
}

// AppendTime appends t to the nanosecond as field n; nothing if it is zero.
// t is between the years 1678 and 2262.
func AppendTime(b []byte, n Number, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = protowire.AppendTag(b, n, protowire.Fixed64Type)
	return protowire.AppendFixed64(b, uint64(t.UnixNano()))
}

// AppendDuration appends d as field n; nothing if it is 0.
func AppendDuration(b []byte, n Number, d time.Duration) []byte { return AppendInt(b, n, int64(d)) }

// OpenMessage begins a nested message as field n. What is appended until
// [CloseMessage] gets the returned mark is its content:
//
//	b, mark := wire.OpenMessage(b, 7)
//	b = wire.AppendString(b, 1, name)
//	b = wire.CloseMessage(b, mark)
func OpenMessage(b []byte, n Number) (out []byte, mark int) {
	b = protowire.AppendTag(b, n, protowire.BytesType)
	return append(b, 0), len(b) + 1
}

// CloseMessage ends the message that [OpenMessage] began. One of 128 bytes or
// more is moved to make room for its length.
func CloseMessage(b []byte, mark int) []byte {
	size := len(b) - mark
	if extra := protowire.SizeVarint(uint64(size)) - 1; extra > 0 {
		b = append(b, make([]byte, extra)...)
		copy(b[mark+extra:], b[mark:mark+size])
	}
	protowire.AppendVarint(b[:mark-1], uint64(size))
	return b
}

// AppendStrings appends each of list as field n, empty ones too.
func AppendStrings(b []byte, n Number, list []string) []byte {
	for _, s := range list {
		b = protowire.AppendTag(b, n, protowire.BytesType)
		b = protowire.AppendString(b, s)
	}
	return b
}

// AppendStringMap appends each pair of m as a message in field n.
func AppendStringMap(b []byte, n Number, m map[string]string) []byte {
	for k, v := range m {
		var mark int
		b, mark = OpenMessage(b, n)
		b = AppendString(b, 1, k)
		b = AppendString(b, 2, v)
		b = CloseMessage(b, mark)
	}
	return b
}

// AppendHeader appends each name of h with its values as a message in field n.
func AppendHeader(b []byte, n Number, h map[string][]string) []byte {
	for k, values := range h {
		var mark int
		b, mark = OpenMessage(b, n)
		b = AppendString(b, 1, k)
		b = AppendStrings(b, 2, values)
		b = CloseMessage(b, mark)
	}
	return b
}

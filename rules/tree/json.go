package tree

import (
	"encoding/json"
	"strings"
	"unsafe"
)

// JSON returns v as JSON, nil for nil: a copy. Unaltered values are their
// source bytes.
func (v *Value) JSON() json.RawMessage {
	if v == nil {
		return nil
	}
	return v.Append(make([]byte, 0, len(v.raw)))
}

// Shared is JSON for reading: it may share its bytes with what v was parsed
// from, and is good only as long as that stays as it is.
func (v *Value) Shared() json.RawMessage {
	if v == nil || v.raw == "" {
		return v.JSON()
	}
	return unsafe.Slice(unsafe.StringData(v.raw), len(v.raw))
}

// Append appends v as JSON, nothing for nil.
func (v *Value) Append(dst []byte) []byte {
	switch {
	case v == nil:
		return dst
	case v.raw != "":
		return append(dst, v.raw...)
	case v.Kind == Object:
		dst = append(dst, '{')
		for i, members := 0, v.Members(); i < len(members); i++ {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendQuoted(dst, members[i].Name), ':')
			dst = members[i].Append(dst)
		}
		return append(dst, '}')
	case v.Kind == Array:
		dst = append(dst, '[')
		for i, elems := 0, v.Elems(); i < len(elems); i++ {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = elems[i].Append(dst)
		}
		return append(dst, ']')
	}
	return append(dst, "null"...)
}

// Size is about how many bytes Append appends; 0 if that is not known.
func (v *Value) Size() int {
	if v == nil {
		return 0
	}
	return len(v.raw)
}

// appendQuoted appends s between quotes. Bytes that are no UTF-8 stay as they are:
// a name that an API writes so is the same name when it is read back.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[done:i]...)
		done = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		}
	}
	return append(append(dst, s[done:]...), '"')
}

// unquote returns the text of a JSON string that the parser has accepted.
func unquote(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var s string
	if json.Unmarshal([]byte(raw), &s) != nil {
		return raw
	}
	return s
}

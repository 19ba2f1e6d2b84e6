package content

import (
	"bytes"
	"encoding/binary"
	"mime"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns text in UTF-8, whatever it was sent in: UTF-16 is told by its byte
// order mark, by its zeros or by the Content-Type's charset, ISO 8859-1 by the
// charset alone. What is no text in its own encoding has U+FFFD in its place, as
// with most readers. Text that is UTF-8 already is returned as it is.
func Text(text []byte, contentType string) []byte {
	if order := utf16Order(text, contentType); order != nil {
		return fromUTF16(text, order)
	}
	if utf8.Valid(text) {
		return text
	}
	switch charset(contentType) {
	case "iso-8859-1", "latin1", "iso_8859-1", "us-ascii":
		out := make([]byte, 0, len(text)+len(text)/4)
		for _, b := range text {
			out = utf8.AppendRune(out, rune(b))
		}
		return out
	}
	return bytes.ToValidUTF8(text, []byte("\ufffd"))
}

func charset(contentType string) string {
	if !strings.Contains(contentType, "charset") && !strings.Contains(contentType, "Charset") && !strings.Contains(contentType, "CHARSET") {
		return ""
	}
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return strings.ToLower(params["charset"])
}

// utf16Order returns the byte order of text, nil if it is not UTF-16. What is
// read as text begins with a character of ASCII, half of which is zero there.
func utf16Order(text []byte, contentType string) binary.ByteOrder {
	if len(text) < 2 || len(text)%2 != 0 {
		return nil
	}
	switch a, b := text[0], text[1]; {
	case a == 0xfe && b == 0xff, a == 0 && b != 0:
		return binary.BigEndian
	case a == 0xff && b == 0xfe, a != 0 && b == 0:
		return binary.LittleEndian
	case !strings.HasPrefix(charset(contentType), "utf-16") || utf8.Valid(text):
		return nil
	case strings.HasSuffix(charset(contentType), "le"):
		return binary.LittleEndian
	}
	return binary.BigEndian
}

func fromUTF16(text []byte, order binary.ByteOrder) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i+1 < len(text); i += 2 {
		r := rune(order.Uint16(text[i:]))
		if utf16.IsSurrogate(r) && i+3 < len(text) {
			if pair := utf16.DecodeRune(r, rune(order.Uint16(text[i+2:]))); pair != utf8.RuneError {
				r = pair
				i += 2
			}
		}
		if i > 0 || r != '\ufeff' {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

// Package content turns captured bytes into text and trees: it undoes content codings
// (RFC 9110 §8.4), within bounds, and reads JSON and forms. It is pure.
//
// Begin with [Read], which says of a body what it holds and which [Kind] of content it is.
package content

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// ErrTooLarge says that a decoded body is larger than allowed.
var ErrTooLarge = errors.New("the decoded body is too large")

// maxCodings bounds how often one body may be coded.
const maxCodings = 4

// maxWindow bounds what a zstd frame may ask for.
const maxWindow = 8 << 20

// Decode returns body without the codings that the Content-Encoding values
// name, at most max bytes of it. A header that does not tell the truth is an
// error. Without a coding it returns body itself.
func Decode(body []byte, encodings []string, max int) ([]byte, error) {
	codings, err := split(encodings)
	if err != nil {
		return nil, err
	}
	for i := len(codings) - 1; i >= 0; i-- {
		if body, err = decode(body, codings[i], max); err != nil {
			return nil, fmt.Errorf("content coding %s: %w", codings[i], err)
		}
	}
	return body, nil
}

func split(encodings []string) ([]string, error) {
	var codings []string
	for _, line := range encodings {
		for part := range strings.SplitSeq(line, ",") {
			c := strings.ToLower(strings.TrimSpace(part))
			if c == "" || c == "identity" {
				continue
			}
			if codings = append(codings, c); len(codings) > maxCodings {
				return nil, fmt.Errorf("more than %d content codings", maxCodings)
			}
		}
	}
	return codings, nil
}

func decode(body []byte, coding string, max int) ([]byte, error) {
	in := bufio.NewReader(bytes.NewReader(body))
	switch coding {
	case "gzip", "x-gzip":
		r, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		return read(r, max)
	case "deflate":
		if head, err := in.Peek(2); err == nil && isZlib(head) {
			r, err := zlib.NewReader(in)
			if err != nil {
				return nil, err
			}
			return read(r, max)
		}
		return read(flate.NewReader(in), max) // some servers send it raw
	case "br":
		return read(brotli.NewReader(in), max)
	case "zstd":
		r, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(uint64(max)+maxWindow))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return read(r, max)
	}
	return nil, errors.New("not one that is read: gzip, deflate, br and zstd are")
}

// isZlib reports whether head begins a zlib stream (RFC 1950 §2.2).
func isZlib(head []byte) bool {
	return head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0
}

func read(r io.Reader, max int) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, int64(max)+1))
	if err != nil {
		return nil, err
	}
	if len(out) > max {
		return nil, ErrTooLarge
	}
	return out, nil
}

package capture

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/webhook"
)

// tee is the response writer of a captured call: it forwards everything as it
// comes and keeps a copy. Of a response with a Content-Length over HTTP/1 it
// holds the last byte back until release, because there the client takes that
// byte for the end of the call. Everywhere else the end is written by the
// server, after the handler has returned.
type tee struct {
	caddyhttp.ResponseWriterWrapper

	ctx    *callContext
	match  interface{ MaySucceed(status int) bool }
	keep   *headerKeeper
	http1  bool
	status int // first final status; 0: none yet
	header webhook.Header

	seen     Body
	written  int64
	length   int64 // as declared; -1: not known
	passing  bool  // nothing is kept and nothing held
	hijacked bool

	mayHold bool
	last    [1]byte
	held    []byte // last, or the whole of a short body
	owed    bool   // a flush, when that is released
	gone    error  // first error of writing to the client
}

// sniffed is how much of a body net/http looks at to find its type.
const sniffed = 512

// WriteHeader forwards the status. The first final one, and the header fields
// to keep as they are now, belong to the exchange; 1xx may come before it, from
// another goroutine, and only pass.
func (t *tee) WriteHeader(code int) {
	informational := code >= 100 && code < 200 && code != http.StatusSwitchingProtocols
	if !informational && t.status == 0 {
		t.begin(code)
	}
	t.ResponseWriter.WriteHeader(code)
}

func (t *tee) begin(code int) {
	h := t.Header()
	t.status = code
	t.header = t.keep.keep(h)
	t.length = declaredLength(h)
	switch {
	case code == http.StatusSwitchingProtocols || isStream(h):
		t.stream()
	case !t.match.MaySucceed(code):
		t.passing = true
	default:
		t.seen.length = t.length
		t.mayHold = t.http1 && t.length > 0 && !t.bodyless() && !control.holdNothing
	}
}

// stream says that the response is endless: it is not kept, and it ends with
// its client.
func (t *tee) stream() {
	t.passing = true
	t.seen.drop(webhook.Streamed)
	t.ctx.attach()
}

// Write keeps p and forwards it. It keeps first: the bytes belong to the
// exchange even if the client is gone.
func (t *tee) Write(p []byte) (int, error) {
	if t.status == 0 {
		t.WriteHeader(http.StatusOK)
	}
	if len(t.held) > 0 && len(p) > 0 {
		t.overrun()
	}
	if t.passing {
		n, err := t.ResponseWriter.Write(p)
		t.written += int64(n)
		return n, err
	}
	t.seen.add(p)
	if t.gone != nil {
		return t.swallow(len(p))
	}
	n, err := t.forward(p)
	if err == nil {
		t.written += int64(n)
		return n, nil
	}
	if isMisuse(err) {
		t.passing = true
		t.seen.drop(webhook.CutOff)
		return n, err
	}
	t.gone = err
	return t.swallow(len(p))
}

// forward writes p, without its last byte if the response ends with it.
// Writers that guess the type of a short body are to see it whole.
func (t *tee) forward(p []byte) (int, error) {
	if !t.mayHold || t.written+int64(len(p)) != t.length || len(p) == 0 {
		return t.ResponseWriter.Write(p)
	}
	if len(p) <= sniffed && t.written == 0 && t.Header().Get("Content-Type") == "" {
		t.held = bytes.Clone(p)
		return len(p), nil
	}
	last := len(p) - 1
	if last > 0 {
		if n, err := t.ResponseWriter.Write(p[:last]); err != nil {
			return n, err
		}
	}
	t.last[0] = p[last]
	t.held = t.last[:]
	return len(p), nil
}

// overrun lets go what is held, for more is written than was declared: whether
// that may be is for the writer to say, and what is held comes first.
func (t *tee) overrun() {
	if _, err := t.ResponseWriter.Write(t.held); err != nil && t.gone == nil {
		t.gone = err
	}
	t.held = nil
}

// swallow takes n bytes for a client that is gone, as long as that serves to
// see the API's answer whole.
func (t *tee) swallow(n int) (int, error) {
	if t.seen.missing != webhook.NotMissing || !t.ctx.patient() {
		return 0, t.gone
	}
	t.written += int64(n)
	return n, nil
}

// ReadFrom copies through Write, so that nothing passes unseen. What is not
// kept goes the short way.
func (t *tee) ReadFrom(r io.Reader) (int64, error) {
	if t.status == 0 {
		t.WriteHeader(http.StatusOK)
	}
	if t.passing {
		n, err := t.ResponseWriterWrapper.ReadFrom(r)
		t.written += n
		return n, err
	}
	return io.Copy(struct{ io.Writer }{t}, r)
}

// FlushError flushes what was forwarded, unless that is the header alone and
// the header is all there is, or all that waits for the body that is held.
func (t *tee) FlushError() error {
	t.owed = len(t.held) > 0
	if t.status != 0 && !t.passing && (t.bodyless() || t.length == int64(len(t.held))) {
		t.owed = true
		return nil
	}
	err := http.NewResponseController(t.ResponseWriter).Flush()
	if err != nil && !errors.Is(err, http.ErrNotSupported) && !t.passing && t.ctx.patient() {
		return nil
	}
	return err
}

// Hijack hands the connection over; nothing of it is kept.
func (t *tee) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err == nil {
		t.hijacked = true
		t.stream()
	}
	return conn, rw, err
}

// release lets go what is held, and flushes if that was asked for meanwhile.
// The client now has the whole response.
func (t *tee) release() {
	var err error
	if len(t.held) > 0 {
		_, err = t.ResponseWriter.Write(t.held)
		t.held = nil
	}
	if t.owed && err == nil {
		_ = http.NewResponseController(t.ResponseWriter).Flush() // nobody is told any more
		t.owed = false
	}
}

// whole reports whether the response came to the end that it declared.
func (t *tee) whole() bool {
	return t.length < 0 || t.bodyless() || t.written == t.length
}

// bodyless reports whether the status allows no body.
func (t *tee) bodyless() bool {
	return t.status == http.StatusNoContent || t.status == http.StatusNotModified
}

// isMisuse reports whether err, of a write, is the handler's fault and not a
// sign that the client is gone.
func isMisuse(err error) bool {
	return errors.Is(err, http.ErrContentLength) || errors.Is(err, http.ErrBodyNotAllowed) || errors.Is(err, http.ErrHijacked)
}

// declaredLength returns the Content-Length, or -1 if there is no usable one.
func declaredLength(h http.Header) int64 {
	v := h["Content-Length"]
	if len(v) == 0 {
		return -1
	}
	n, err := strconv.ParseInt(v[0], 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// Interface guards
var (
	_ http.ResponseWriter = (*tee)(nil)
	_ io.ReaderFrom       = (*tee)(nil)
	_ http.Hijacker       = (*tee)(nil)
)

package capture_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// held is how long a client that must not see an end yet is watched. Longer
// makes the test stricter, never wrong.
const held = 30 * time.Millisecond

// Success means stored: no client has seen the end of an answer before its
// exchange is journaled.
func TestPromise2SuccessMeansStored(t *testing.T) {
	for _, flush := range []int{0, -1} {
		for _, p := range []protocol{http1, http2} {
			for _, size := range []int{0, 1, 600, 5000, 100_000} {
				for _, chunked := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s flush %d size %d chunked %v", p, flush, size, chunked), func(t *testing.T) {
						checkHeld(t, p, flush, size, chunked)
					})
				}
			}
		}
	}
}

func checkHeld(t *testing.T, p protocol, flush, size int, chunked bool) {
	body := bytes.Repeat([]byte("x"), size)
	upstream := api(t, func(w http.ResponseWriter, _ *http.Request) {
		if size == 0 && !chunked {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if !chunked {
			w.Header().Set("Content-Length", fmt.Sprint(size))
		}
		w.Write(body)
		if chunked {
			http.NewResponseController(w).Flush()
		}
	})
	l := newLine(t)
	ending, stored := make(chan struct{}), make(chan struct{})
	l.onEnd = func(*webhook.Exchange) { close(ending); <-stored }
	at := serve(t, []object{probe(t, l), proxy(upstream, object{"flush_interval": flush})})
	r := request(t, "POST", at[0], "/things", strings.NewReader("{}"))
	c := client(t, p)
	ended := make(chan seen, 1)
	go func() { ended <- ask(t, c, r) }()
	<-ending
	select {
	case s := <-ended:
		t.Errorf("the client had the whole answer before it was stored: %v", s.Status)
		ended <- s
	case <-time.After(held):
	}
	close(stored)
	if s := <-ended; s.Body != string(body) || s.BodyErr != "" {
		t.Errorf("then it got %d bytes of %d, error %q", len(s.Body), size, s.BodyErr)
	}
	if !l.durable[0] {
		t.Error("the end need not have been on disk")
	}
}

// Only the last byte waits: everything before it is with the client already.
func TestOnlyTheLastByteWaits(t *testing.T) {
	upstream := api(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "0123456789")
	})
	l := newLine(t)
	stored := make(chan struct{})
	l.onEnd = func(*webhook.Exchange) { <-stored }
	at := serve(t, []object{probe(t, l), proxy(upstream, object{"flush_interval": -1})})
	res, err := client(t, http1).Do(request(t, "POST", at[0], "/things", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, 9)
	if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != "012345678" {
		t.Errorf("got %q, %v", first, err)
	}
	close(stored)
	if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != "9" {
		t.Errorf("then %q, %v", rest, err)
	}
}

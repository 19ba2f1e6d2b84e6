package capture_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"
)

// Bodies of any size flow through with little memory.
func TestLargeBodiesTakeLittleMemory(t *testing.T) {
	const size = 64 << 20
	upstream := api(t, func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		n, _ := io.Copy(sum, r.Body)
		w.Header().Set("X-Got", fmt.Sprintf("%d %x", n, sum.Sum(nil)))
		w.Header().Set("Content-Length", fmt.Sprint(size))
		io.Copy(w, io.LimitReader(pattern{}, size))
	})
	l := newLine(t)
	at := serve(t, []object{probe(t, l), proxy(upstream)})
	want := sha256.New()
	io.Copy(want, io.LimitReader(pattern{}, size))
	for _, p := range []protocol{http1, http2} {
		w := &heapWatch{before: heap()}
		res, err := client(t, p).Do(request(t, "POST", at[0], "/things", w.reader(io.LimitReader(pattern{}, size))))
		if err != nil {
			t.Fatal(err)
		}
		got := sha256.New()
		io.Copy(got, w.reader(res.Body))
		res.Body.Close()
		if !bytes.Equal(got.Sum(nil), want.Sum(nil)) || res.Header.Get("X-Got") != fmt.Sprintf("%d %x", size, want.Sum(nil)) {
			t.Errorf("%s: the bodies were changed", p)
		}
		if grown, looks := w.grown(); grown > 16<<20 || looks < 32 {
			t.Errorf("%s: the heap grew by %d bytes at most, in %d looks", p, grown, looks)
		}
	}
	for _, x := range l.wait(t, 2) {
		if x.Request.Body.Missing.String() != "body larger than max_body" || x.Response.Body.Missing != x.Request.Body.Missing {
			t.Errorf("missing: %v, %v", x.Request.Body.Missing, x.Response.Body.Missing)
		}
	}
}

// pattern is an endless body.
type pattern struct{}

func (pattern) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// heapWatch looks at the heap while bodies are read.
type heapWatch struct {
	mu           sync.Mutex
	before, peak uint64
	looks        int
}

// reader returns r, with a look at every 4 MiB that are read.
func (w *heapWatch) reader(r io.Reader) io.Reader {
	read, next := 0, 0
	return readerFunc(func(p []byte) (int, error) {
		if read >= next {
			next = read + 4<<20
			w.look()
		}
		n, err := r.Read(p)
		read += n
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func (w *heapWatch) look() {
	now := heap()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peak, w.looks = max(w.peak, now), w.looks+1
}

// grown returns by how much the heap was larger at most, and in how many looks.
func (w *heapWatch) grown() (bytes int64, looks int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return int64(w.peak) - int64(w.before), w.looks
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Large bodies, up and down.
func TestLargeBodiesAreTheSame(t *testing.T) {
	const size = 64 << 20
	s := newStraight(t, func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		n, _ := io.Copy(sum, r.Body)
		w.Header().Set("X-Got", fmt.Sprintf("%d %x", n, sum.Sum(nil)))
		w.Header().Set("Content-Length", fmt.Sprint(size))
		io.Copy(w, io.LimitReader(pattern{}, size))
	})
	for _, p := range []protocol{http1, http2, http3Only} {
		c := s.client(p)
		c.Timeout = 5 * time.Minute // so much takes long on a busy machine, with Sidehook or without
		var got [2]string
		for i, at := range []string{s.api, s.side} {
			res, err := c.Post(at+"/things", "text/plain", io.LimitReader(pattern{}, size))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.New()
			n, err := io.Copy(sum, res.Body)
			res.Body.Close()
			got[i] = fmt.Sprintf("%d %d %x %v %s", res.StatusCode, n, sum.Sum(nil), err, res.Header.Get("X-Got"))
		}
		if got[0] != got[1] {
			t.Errorf("%s: straight %s, and through Sidehook %s", p, got[0], got[1])
		}
	}
}

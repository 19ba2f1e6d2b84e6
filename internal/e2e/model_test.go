package e2e

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sidehook/sidehook/internal/model"
)

// modelSite are the resources of the model, as a handler's lines.
const modelSite = `		resource item /s/{sequence}/items
		resource doc /s/{sequence}/docs {
			version rev
			upsert PUT {id}
		}
		resource thing /s/{sequence}/things {
			ignore updated_at rev
		}`

// modelServer is the model as a server: it breaks off as calls say.
type modelServer struct {
	*model.API

	mu    sync.Mutex
	calls map[string]*underway // by X-Request-Id
	blind map[string]bool      // sequences of which no GET works now
	later sync.WaitGroup       // what is done when it is answered already
}

// underway is a call that the model will get.
type underway struct {
	*model.Call
	partner   *underway
	arrived   func() // once
	here      chan struct{}
	committed chan struct{}
	done      func() // once
}

func newModel() *modelServer {
	return &modelServer{API: model.New(), calls: map[string]*underway{}, blind: map[string]bool{}}
}

func (m *modelServer) expect(c *model.Call) *underway {
	u := &underway{Call: c, here: make(chan struct{}), committed: make(chan struct{})}
	u.arrived, u.done = sync.OnceFunc(func() { close(u.here) }), sync.OnceFunc(func() { close(u.committed) })
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[c.ID] = u
	m.blind[c.Sequence] = c.Blind && !c.Style.PutKeeps // see [model.Step]: a PUT before may be asked about still
	return u
}

// ServeHTTP implements [http.Handler].
func (m *modelServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // s SEQUENCE items [ID]
	if r.Method == http.MethodGet {
		m.mu.Lock()
		blind := m.blind[parts[1]]
		m.mu.Unlock()
		if blind {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		reply(w, m.Get(parts[1], parts[len(parts)-1], r.Header.Get("Authorization") == "guest"), len(parts[3])%2 == 0)
		return
	}
	m.mu.Lock()
	u := m.calls[r.Header.Get("X-Request-Id")]
	m.mu.Unlock()
	if sent, err := io.ReadAll(r.Body); err != nil || u == nil || !bytes.Equal(sent, u.Body()) {
		http.Error(w, "a part of a call is none", http.StatusBadRequest) // its sender was killed
		return
	}
	u.arrived()
	if u.partner != nil {
		wait(u.partner.here)
	}
	if u.Fate == "late" {
		w.WriteHeader(http.StatusGatewayTimeout)
		m.later.Go(func() {
			time.Sleep(lateness)
			m.Do(u.Call)
			u.done()
		})
		return
	}
	answer := m.Do(u.Call)
	u.done()
	switch {
	case u.Fate == "gone":
		time.Sleep(dwell * time.Duration(len(answer.Body)%3)) // its client goes on meanwhile
		reply(w, answer, u.Gzip)
	case u.Fate == "reset" || u.Fate == "lost":
		panic(http.ErrAbortHandler)
	case u.Fate == "slow":
		w.WriteHeader(http.StatusGatewayTimeout) // by what stands in front of the API
	case u.Fate == "cut" && answer.Status < 300 && answer.Body != nil:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(answer.Status)
		w.Write(answer.Body[:len(answer.Body)/2])
		panic(http.ErrAbortHandler)
	default:
		reply(w, answer, u.Gzip)
	}
}

// lateness is how long behind its 504 a call is done: when the GETs that follow
// that are over, or some of them.
const lateness = 500 * time.Millisecond

// dwell is how long an answer may take that nobody waits for.
const dwell = 15 * time.Millisecond

// wait waits for c, and not for ever: a call may be held up in front of us.
func wait(c chan struct{}) {
	timer := time.NewTimer(50 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-c:
	case <-timer.C:
	}
}

func reply(w http.ResponseWriter, a model.Answer, zip bool) {
	for name, v := range a.Header {
		w.Header().Set(name, v)
	}
	body := a.Body
	if zip && body != nil {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(body)
		z.Close()
		body = b.Bytes()
		w.Header().Set("Content-Encoding", "gzip")
	}
	if body != nil {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(a.Status)
	w.Write(body)
}

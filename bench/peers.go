package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// api answers every write with the entity that it was sent, like an API that
// stores it and shows it.
type api struct {
	fetches atomic.Int64 // GETs: the load makes none, so they are Sidehook's
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		a.fetches.Add(1)
		http.NotFound(w, r)
		return
	}
	body := make([]byte, max(0, r.ContentLength))
	if _, err := io.ReadFull(r.Body, body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}

// sink accepts webhooks and measures how long after the call they come.
type sink struct {
	arrived atomic.Int64
	hung    atomic.Int64 // requests below hanging

	mu       sync.Mutex
	measure  bool
	lags     []time.Duration
	first    time.Time
	last     time.Time
	released chan struct{} // one is taken for each arrival; nil: nobody waits
}

// begin forgets what was measured and takes one from released for each arrival.
func (s *sink) begin(released chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.measure, s.lags, s.released, s.first = true, s.lags[:0], released, time.Time{}
}

// end returns what was measured since begin, and when the last webhook came.
func (s *sink) end() (lags []time.Duration, last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.measure, s.released = false, nil
	return s.lags, s.last
}

// span returns when the first and the last webhook since begin came.
func (s *sink) span() (first, last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first, s.last
}

// hanging is below which path the sink takes webhooks and never answers.
const hanging = "/hang"

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if strings.HasPrefix(r.URL.Path, hanging) {
		s.hung.Add(1)
		<-r.Context().Done()
		return
	}
	s.arrived.Add(1)
	s.mu.Lock()
	if s.first.IsZero() {
		s.first = now
	}
	if s.last = now; s.measure {
		if sent := stamp(body); !sent.IsZero() {
			s.lags = append(s.lags, now.Sub(sent))
		}
		select {
		case <-s.released:
		default:
		}
	}
	s.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

var stampKey = []byte(`"stamp":`)

// stamp returns the newest time that body carries: its entity has when the
// call was sent, its previous values have an earlier one.
func stamp(body []byte) time.Time {
	var newest int64
	for {
		i := bytes.Index(body, stampKey)
		if i < 0 || len(body) < i+len(stampKey)+stampDigits {
			break
		}
		body = body[i+len(stampKey):]
		if n, err := strconv.ParseInt(string(body[:stampDigits]), 10, 64); err == nil {
			newest = max(newest, n)
		}
	}
	if newest == 0 {
		return time.Time{}
	}
	return time.Unix(0, newest)
}

// listen serves handler on a free port and returns its address.
func listen(handler http.Handler) (address string, server *http.Server, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	return listener.Addr().String(), server, nil
}

package main

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestLoadIsWhatTheAPIAndTheSinkUnderstand drives the API without a proxy: each
// call must be a different, valid write, answered in full on the same connection.
func TestLoadIsWhatTheAPIAndTheSinkUnderstand(t *testing.T) {
	var last []byte
	echo := &api{}
	address, server, err := listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		echo.ServeHTTP(rec, r)
		if bytes.Equal(rec.Body.Bytes(), last) {
			t.Errorf("%s %s repeats the call before", r.Method, r.URL.Path)
		}
		last = rec.Body.Bytes()
		if sent := stamp(last); time.Since(sent) > time.Minute {
			t.Errorf("the stamp says %s", sent)
		}
		maps.Copy(w.Header(), rec.Header())
		w.Write(last)
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	l, err := dial(address, "/api/projects", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	latencies, _, err := l.run(50*time.Millisecond, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(latencies) < entitiesPerConn {
		t.Errorf("only %d calls in 50 ms", len(latencies))
	}
}

func TestLoadStopsAtTheWindow(t *testing.T) {
	address, server, err := listen(&api{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	l, err := dial(address, "/api/projects", 4)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	latencies, _, err := l.run(50*time.Millisecond, make(chan struct{}, 7))
	if err != nil || len(latencies) != 7 {
		t.Errorf("%d calls (%v), want the 7 that fit", len(latencies), err)
	}
}

func TestSinkReleasesTheWindow(t *testing.T) {
	s := &sink{}
	window := make(chan struct{}, 2)
	window <- struct{}{}
	s.begin(window)
	body := `{"previous":{"stamp":1700000000000000001},"data":{"stamp":1800000000000000000}}`
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
	lags, last := s.end()
	if len(window) != 0 || len(lags) != 1 || last.Sub(time.Unix(0, 1800000000000000000)) != lags[0] {
		t.Errorf("window %d, lags %v, last %s: want the newest stamp measured and the window free", len(window), lags, last)
	}
}

func TestQuantiles(t *testing.T) {
	values := []float64{4, 1, 3, 2}
	if got := median(values); got != 2.5 {
		t.Errorf("median %v", got)
	}
	if got := quantile(values, 0.99); got != 4 {
		t.Errorf("p99 %v", got)
	}
	if got := quantile([]float64(nil), 0.5); got != 0 {
		t.Errorf("of nothing %v", got)
	}
}

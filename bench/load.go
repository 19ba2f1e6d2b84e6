package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// entitiesPerConn is over how many entities one connection spreads its writes;
// no two connections write to the same one.
const entitiesPerConn = 64

// load is a set of keep-alive connections to one server. It speaks just enough
// HTTP/1.1 to cost little beside what is measured.
type load struct {
	conns []*conn
}

// dial opens n connections to address, which will write to path/ID.
func dial(address, path string, n int) (*load, error) {
	return dialEach(address, slices.Repeat([]string{path}, n)...)
}

// dialEach opens a connection to address for each path, which will write to
// path/ID.
func dialEach(address string, paths ...string) (*load, error) {
	l := &load{}
	for i, path := range paths {
		c := &conn{address: address, requests: requests(address, path, i)}
		if err := c.open(); err != nil {
			l.close()
			return nil, err
		}
		l.conns = append(l.conns, c)
	}
	return l, nil
}

// idleTime is how long a connection may rest before it is opened anew: Caddy
// closes one after a minute, and the others are measured meanwhile.
const idleTime = 20 * time.Second

// refresh opens connections anew that have rested.
func (l *load) refresh() error {
	for _, c := range l.conns {
		if time.Since(c.used) < idleTime {
			continue
		}
		c.c.Close()
		if err := c.open(); err != nil {
			return err
		}
	}
	return nil
}

func (l *load) close() {
	for _, c := range l.conns {
		c.c.Close()
	}
}

// run writes on every connection, one call after the other, for d. A call
// waits until it can put something into window; nil: it never waits.
func (l *load) run(d time.Duration, window chan struct{}) (latencies []time.Duration, took time.Duration, err error) {
	if err := l.refresh(); err != nil {
		return nil, 0, err
	}
	began := time.Now()
	errs := make([]error, len(l.conns))
	var wg sync.WaitGroup
	for i, c := range l.conns {
		wg.Go(func() { errs[i] = c.run(began.Add(d), window) })
	}
	wg.Wait()
	took = time.Since(began)
	for _, c := range l.conns {
		latencies = append(latencies, c.latencies...)
	}
	return latencies, took, errors.Join(errs...)
}

// pace makes rate calls a second for d, the connections in turn, and returns how
// many it made: each when its time has come, or as soon as the call before it on
// its connection has been answered.
func (l *load) pace(rate int, d time.Duration) (calls int, err error) {
	if err := l.refresh(); err != nil {
		return 0, err
	}
	began := time.Now()
	total := int(float64(rate) * d.Seconds())
	errs := make([]error, len(l.conns))
	var wg sync.WaitGroup
	for i, c := range l.conns {
		wg.Go(func() {
			c.latencies = c.latencies[:0]
			defer func() { c.used = time.Now() }()
			for n := i; n < total && errs[i] == nil; n += len(l.conns) {
				time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(rate))))
				now := time.Now()
				errs[i] = c.call(now)
				c.latencies = append(c.latencies, time.Since(now))
			}
		})
	}
	wg.Wait()
	return total, errors.Join(errs...)
}

// conn is one connection and the requests that it repeats.
type conn struct {
	address   string
	c         net.Conn
	in        *bufio.Reader
	used      time.Time
	requests  []*request
	next      int
	latencies []time.Duration
}

func (c *conn) open() (err error) {
	if c.c, err = net.Dial("tcp", c.address); err != nil {
		return err
	}
	c.in, c.used = bufio.NewReaderSize(c.c, 8<<10), time.Now()
	return nil
}

func (c *conn) run(until time.Time, window chan struct{}) error {
	defer func() { c.used = time.Now() }()
	c.latencies = c.latencies[:0]
	stop := time.NewTimer(time.Until(until))
	defer stop.Stop()
	for now := time.Now(); now.Before(until); {
		if window != nil {
			select {
			case window <- struct{}{}:
				now = time.Now()
			case <-stop.C:
				return nil
			}
		}
		if err := c.call(now); err != nil {
			return err
		}
		end := time.Now()
		c.latencies = append(c.latencies, end.Sub(now))
		now = end
	}
	return nil
}

// alternate makes n calls on one connection, each followed by then.
func (l *load) alternate(n int, then func() error) error {
	if err := l.refresh(); err != nil {
		return err
	}
	c := l.conns[0]
	defer func() { c.used = time.Now() }()
	for range n {
		if err := c.call(time.Now()); err != nil {
			return err
		}
		if err := then(); err != nil {
			return err
		}
	}
	return nil
}

// call makes the next call, and waits for its answer.
func (c *conn) call(now time.Time) error {
	r := c.requests[c.next%len(c.requests)]
	c.next++
	if _, err := c.c.Write(r.at(now)); err != nil {
		return err
	}
	return c.answer()
}

// answer reads one response, which must be a 200 of known length.
func (c *conn) answer() error {
	status, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("answered %q", status)
	}
	length := -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(": ")); ok && bytes.EqualFold(name, []byte("content-length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("answered without a length")
	}
	_, err = c.in.Discard(length)
	return err
}

// request is the bytes of one call; only its numbers change between repeats,
// in place.
type request struct {
	text           []byte
	stamp, counter int // where they stand in text
	count          int64
}

// stampDigits is the width of nanoseconds since 1970, until the year 2286.
const stampDigits = 19

// requests returns the calls of connection i.
func requests(host, path string, i int) []*request {
	all := make([]*request, entitiesPerConn)
	for e := range all {
		id := 1000 + i*entitiesPerConn + e
		body := entity(id, 100_000_000, time.Now())
		text := fmt.Appendf(nil, "PATCH %s/%d HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			path, id, host, len(body), body)
		all[e] = &request{
			text:    text,
			stamp:   bytes.Index(text, stampKey) + len(stampKey),
			counter: bytes.Index(text, []byte(`"counter":`)) + len(`"counter":`),
			count:   100_000_000,
		}
	}
	return all
}

// entity is the body of an entity. Its counter and its stamp are always as wide.
func entity(id, counter int, stamp time.Time) string {
	return fmt.Sprintf(`{"id":%d,"name":"Roof of hall %d","status":"active","counter":%09d,"stamp":%d,`+
		`"owner":{"id":7,"name":"Mara Lind","email":"mara@lind.example"},`+
		`"budget":{"amount":15000.00,"spent":9125.50,"currency":"EUR","used_percent":60.8},`+
		`"tags":["steel","urgent","hall"],"start_date":"2026-03-02","notes":"The crane comes on Monday.",`+
		`"created_at":"2026-03-02T09:00:00Z"}`, id, id, counter, stamp.UnixNano())
}

// at returns the call as it is sent now: it changes the entity.
func (r *request) at(now time.Time) []byte {
	r.count++
	strconv.AppendInt(r.text[r.counter:r.counter], r.count, 10)
	strconv.AppendInt(r.text[r.stamp:r.stamp], now.UnixNano(), 10)
	return r.text
}

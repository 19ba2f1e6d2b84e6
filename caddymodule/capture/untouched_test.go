package capture_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/webhook"
)

// answers are APIs by the way they answer.
var answers = map[string]http.HandlerFunc{
	"json": func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Add("X-Twice", "a")
		w.Header().Add("X-Twice", "b")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"id":1,"got":%q,"by":%q`, body, r.Method)
		if r.Header.Get("X-Framing") != "its own" { // in HTTP/2 and HTTP/3 that is the connection's
			fmt.Fprintf(w, `,"length":%d,"chunked":%v`, r.ContentLength, r.TransferEncoding)
		}
		fmt.Fprint(w, "}")
	},
	"no content": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	"empty 201":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) },
	"one byte":   func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("x")) },
	"no content type": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		w.Write([]byte("<html>"))
	},
	"chunked": func(w http.ResponseWriter, _ *http.Request) {
		for i := range 5 {
			fmt.Fprintf(w, "piece %d\n", i)
			http.NewResponseController(w).Flush()
		}
	},
	"event stream": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			http.NewResponseController(w).Flush()
		}
	},
	"gzip": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Etag", `"v1"`)
		z := gzip.NewWriter(w)
		fmt.Fprint(z, strings.Repeat(`{"a":1}`, 100))
		z.Close()
	},
	"100 kB": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		w.Write(bytes.Repeat([]byte("0123456789"), 10_000))
	},
	"larger than max_body": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "3000000")
		w.Write(bytes.Repeat([]byte("0123456789"), 300_000))
	},
	"early hints": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Link", "</late.css>")
		fmt.Fprint(w, "done")
	},
	"trailers": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		fmt.Fprint(w, "body")
		w.Header().Set("X-Sum", "42")
		w.Header().Set(http.TrailerPrefix+"X-Late", "43")
	},
	"redirect":     func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/things/9", http.StatusSeeOther) },
	"error":        func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnprocessableEntity) },
	"server error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oops", http.StatusInternalServerError) },
	"not modified": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Etag", `"v1"`)
		w.WriteHeader(http.StatusNotModified)
	},
	"range": func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "a.txt", time.Unix(1e9, 0), strings.NewReader("0123456789"))
	},
	"answered before the body": func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 {
			w.Header().Set("Connection", "close")
		}
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	},
	"cut": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, "only this")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	},
	"cut while chunked": func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "only this")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	},
	"nothing": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
}

// What a client gets is what the API sent.
func TestPromise1TheAPIIsUntouched(t *testing.T) {
	upstream := api(t, func(w http.ResponseWriter, r *http.Request) { answers[r.Header.Get("X-Answer")](w, r) })
	l := newLine(t)
	encode := object{"handler": "encode", "encodings": object{"gzip": object{}}, "minimum_length": 5}
	setups := map[string]func(h ...object) []object{
		"plain":             func(h ...object) []object { return append(h, proxy(upstream)) },
		"flush_interval -1": func(h ...object) []object { return append(h, proxy(upstream, object{"flush_interval": -1})) },
		"encode outside":    func(h ...object) []object { return append(append([]object{encode}, h...), proxy(upstream)) },
		"encode inside":     func(h ...object) []object { return append(h, encode, proxy(upstream)) },
		"buffers": func(h ...object) []object {
			return append(h, proxy(upstream, object{"request_buffers": 4096, "response_buffers": 4096}))
		},
	}
	for name, setup := range setups {
		at := serve(t, setup(), setup(probe(t, l)))
		for _, p := range []protocol{http1, http2} {
			t.Run(name+"/"+string(p), func(t *testing.T) {
				for answer := range answers {
					t.Run(answer, func(t *testing.T) { compare(t, client(t, p), at, answer) })
				}
			})
		}
	}
	if l.count() == 0 {
		t.Error("nothing was captured: this compared nothing")
	}
}

// compare asks both servers the same in several ways.
func compare(t *testing.T, c *http.Client, at []string, answer string) {
	for _, method := range []string{"POST", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS"} {
		var got [2]seen
		for i, address := range at {
			path, body := "/things/1?q=%20x", io.Reader(nil)
			if method == "POST" {
				path, body = "/things", strings.NewReader(`{"a":"b"}`)
			}
			if method == "PATCH" {
				body = io.MultiReader(strings.NewReader("no length")) // chunked
			}
			r := request(t, method, address, path, body)
			r.Header.Set("X-Answer", answer)
			if answer == "range" {
				r.Header.Set("Range", "bytes=2-4")
			}
			if answer != "gzip" {
				r.Header.Set("Accept-Encoding", "gzip")
			}
			got[i] = ask(t, c, r)
		}
		if got[0].Status == 0 && got[1].Status == 0 {
			continue // both broke off before a status; the words tell ports
		}
		if strings.Contains(t.Name(), "/flush_") && answer == "no content type" {
			got[0].Header.Del("Content-Type") // guessed, if the first flush does not come before the body
			got[1].Header.Del("Content-Type")
		}
		if strings.Contains(t.Name(), "/encode_") {
			got[0].Body, got[1].Body = unzip(got[0]), unzip(got[1])
		}
		if diff := cmp.Diff(got[0], got[1]); diff != "" {
			t.Errorf("%s: straight (-) and through Sidehook (+) differ:\n%s", method, diff)
		}
	}
}

// unzip returns the body decoded: how often encode flushes is chance.
func unzip(s seen) string {
	z, err := gzip.NewReader(strings.NewReader(s.Body))
	if err != nil {
		return s.Body
	}
	plain, _ := io.ReadAll(z)
	return string(plain)
}

// An event stream arrives as it is written, also from a captured call.
func TestStreamsArriveAsTheyAreWritten(t *testing.T) {
	for _, kind := range []string{"text/event-stream", "application/x-ndjson", "application/grpc", "text/plain"} {
		for _, p := range []protocol{http1, http2} {
			t.Run(kind+"/"+string(p), func(t *testing.T) {
				more := make(chan struct{})
				upstream := api(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", kind)
					fmt.Fprint(w, "data: 1\n\n")
					http.NewResponseController(w).Flush()
					<-more
					fmt.Fprint(w, "data: 2\n\n")
				})
				l := newLine(t)
				at := serve(t, []object{probe(t, l), proxy(upstream)})
				res, err := client(t, p).Do(request(t, "POST", at[0], "/things", strings.NewReader("{}")))
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				in := bufio.NewReader(res.Body)
				if line, err := in.ReadString('\n'); err != nil || line != "data: 1\n" {
					t.Fatalf("first event: %q, %v", line, err)
				}
				close(more)
				if rest, _ := io.ReadAll(in); string(rest) != "\ndata: 2\n\n" {
					t.Errorf("rest: %q", rest)
				}
				x := l.only(t)
				if streamed := kind != "text/plain"; streamed == x.Response.Body.Whole() {
					t.Errorf("body is missing because: %q", x.Response.Body.Missing)
				}
			})
		}
	}
}

// An upgrade passes both ways, captured or not.
func TestUpgradesPass(t *testing.T) {
	upstream := api(t, func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", r.Header.Get("Upgrade"))
		rw.Flush()
		io.Copy(conn, rw)
	})
	for _, logged := range []bool{false, true} {
		for _, call := range []string{"GET websocket", "POST websocket", "PUT other"} {
			t.Run(fmt.Sprintf("%s logged %v", call, logged), func(t *testing.T) {
				l := newLine(t)
				gone := make(chan struct{})
				server := object{
					"listen": []string{"127.0.0.1:0"}, "automatic_https": object{"disable": true},
					"routes": []object{{"handle": []object{watching(func() { close(gone) }), probe(t, l), proxy(upstream)}}},
				}
				if logged {
					server["logs"] = object{}
				}
				at := load(t, object{"s0": server})
				conn := dial(t, at[0])
				method, kind, _ := strings.Cut(call, " ")
				path := map[string]string{"GET": "/things/1", "POST": "/things", "PUT": "/things/1"}[method]
				fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: %s\r\n"+
					"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n", method, path, kind)
				in := bufio.NewReader(conn)
				res, err := http.ReadResponse(in, nil)
				if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
					t.Fatalf("answer %v, %v", res, err)
				}
				fmt.Fprint(conn, "echo me\n")
				if got, err := in.ReadString('\n'); got != "echo me\n" {
					t.Errorf("echo %q, %v", got, err)
				}
				conn.Close()
				<-gone
				if method == "PUT" {
					if x := l.only(t); x.Ending != webhook.Unknown {
						t.Errorf("ending %v", x.Ending)
					}
				}
			})
		}
	}
}

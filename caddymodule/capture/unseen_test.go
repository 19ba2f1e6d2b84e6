package capture_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// What passes unseen is logged, once in a second however many calls there are; and what
// was leased for a call is given back, however that went.
func TestWhatPassesUnseenIsLoggedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		program, err := rules.Compile(&rules.Config{Resources: []rules.Resource{{Name: "thing", Path: "/things"}}})
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		var line capture.Line
		leased := 0
		h := capture.New(capture.Options{
			Program: program, Logger: slog.New(slog.NewTextHandler(&log, nil)), Budget: capture.NewBudget(1 << 20),
			Lease: func() (capture.Line, func(), error) {
				if line == nil {
					return nil, nil, errors.New("the disk is away")
				}
				leased++
				return line, func() { leased-- }, nil
			},
		})
		answer := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			w.WriteHeader(http.StatusTeapot)
			return nil
		})
		call := func() {
			t.Helper()
			w := httptest.NewRecorder()
			if err := h.Serve(w, httptest.NewRequest("PUT", "/things/1", strings.NewReader("{}")), answer); err != nil || w.Code != http.StatusTeapot {
				t.Errorf("the call got %d: %v", w.Code, err)
			}
		}
		logged := func(want int) {
			t.Helper()
			if got := strings.Count(log.String(), "a call passes unseen"); got != want {
				t.Errorf("logged %d times, want %d:\n%s", got, want, log.String())
			}
		}
		time.Sleep(time.Hour)
		for range 5 {
			call()
		}
		logged(1)
		time.Sleep(time.Second + time.Millisecond)
		call()
		logged(2)
		if !strings.Contains(log.String(), "the disk is away") {
			t.Errorf("the log does not say why: %s", log.String())
		}
		time.Sleep(time.Minute)
		line = &buggyLine{newLine(t), "Caller"}
		call()
		logged(3)
		if !strings.Contains(log.String(), "a bug in sidehook; the call goes on") {
			t.Errorf("the log does not tell of a bug: %s", log.String())
		}
		line = newLine(t)
		call()
		if logged(3); leased != 0 {
			t.Errorf("%d leases are not given back", leased)
		}
	})
}

// What is kept of a request says why it is not whole: the client broke off, or the API
// did not read it. One that was read to its end, or to its length, is whole.
func TestARequestThatIsNotWholeSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		inner  io.Reader
		length int64
		read   int64
		want   webhook.Missing
	}{
		"read to its end":    {strings.NewReader("12345"), -1, 9, webhook.NotMissing},
		"read to its length": {io.MultiReader(strings.NewReader("12345"), iotest.ErrReader(io.ErrUnexpectedEOF)), 5, 5, webhook.NotMissing},
		"broken off":         {io.MultiReader(strings.NewReader("123"), iotest.ErrReader(io.ErrUnexpectedEOF)), 5, 9, webhook.CutOff},
		"not read":           {strings.NewReader("12345"), 5, 0, webhook.Unread},
		"not read to an end": {strings.NewReader("12345"), 5, 4, webhook.Unread},
		"too large":          {strings.NewReader("1234567890"), -1, 11, webhook.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			body, finish := capture.TeeBody(io.NopCloser(c.inner), c.length, 7)
			_, _ = io.CopyN(io.Discard, body, c.read)
			if got := finish(); got.Missing != c.want || (got.Missing == webhook.NotMissing) != (string(got.Bytes) == "12345") {
				t.Errorf("it is %q, missing because %q, want %q", got.Bytes, got.Missing, c.want)
			}
			if _, _ = io.Copy(io.Discard, body); len(finish().Bytes) > 0 {
				t.Error("what is read after the end is kept")
			}
		})
	}
}

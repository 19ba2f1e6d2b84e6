package capture_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/webhook"
)

// late is a handler that answers whole, and then fails, or does not answer at all.
type late struct {
	How string `json:"how"`
}

func init() { caddy.RegisterModule(late{}) }

// CaddyModule implements [caddy.Module].
func (late) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.sidehook_test_late", New: func() caddy.Module { return new(late) }}
}

// ServeHTTP implements [caddyhttp.MiddlewareHandler].
func (h late) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	switch h.How {
	case "says nothing":
		return nil
	case "panics at once":
		panic(http.ErrAbortHandler)
	case "hijacks":
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			conn.Close()
		}
		return err
	}
	w.Header().Set("Content-Length", "10")
	switch h.How {
	case "copies":
		w.(io.ReaderFrom).ReadFrom(strings.NewReader("0123456789"))
		return nil
	case "writes too much":
		w.Write([]byte("01234567"))
		w.Write([]byte("8901234"))
		return nil
	case "writes on behind its end":
		w.Write([]byte("0123456789"))
		w.Write([]byte("a"))
		io.WriteString(w, "bc")
		w.(io.ReaderFrom).ReadFrom(strings.NewReader("d"))
		return nil
	}
	w.Write([]byte("0123456789"))
	http.NewResponseController(w).Flush()
	if h.How == "panics" {
		panic(http.ErrAbortHandler)
	}
	return errors.New("late")
}

// What is held back is let go, however the handlers behind end.
func TestWhatIsHeldIsLetGo(t *testing.T) {
	for how, want := range map[string]webhook.Ending{
		"returns an error": webhook.Completed,
		"panics":           webhook.Truncated,
		"copies":           webhook.Completed,
		"writes too much":  webhook.Completed,

		"writes on behind its end": webhook.Completed,
	} {
		t.Run(how, func(t *testing.T) {
			l := newLine(t)
			h := object{"handler": "sidehook_test_late", "how": how}
			at := serve(t, []object{h}, []object{probe(t, l), h})
			var got [2]seen
			for i := range got {
				got[i] = ask(t, client(t, http1), request(t, "POST", at[i], "/things", nil))
			}
			if got[0].Body != got[1].Body || got[0].BodyErr != got[1].BodyErr {
				t.Errorf("straight %q %s, through Sidehook %q %s", got[0].Body, got[0].BodyErr, got[1].Body, got[1].BodyErr)
			}
			x := l.only(t)
			if x.Ending != want {
				t.Errorf("ending %v", x.Ending)
			}
			if !strings.HasPrefix(how, "writes") && want == webhook.Completed && string(x.Response.Body.Bytes) != "0123456789" {
				t.Errorf("kept %q, missing: %v", x.Response.Body.Bytes, x.Response.Body.Missing)
			}
		})
	}
}

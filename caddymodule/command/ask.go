package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/problem"
)

// errNoServer is wrapped by what is returned if nobody answered.
var errNoServer = errors.New("is it running, and is its admin endpoint on?")

// ask makes a request of the running server, with body as JSON if that is not nil, and
// decodes its answer into v, if that is not nil.
func (f *adminFlags) ask(method, path string, query url.Values, body, v any) error {
	address, resp, err := f.request(method, path, query, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read what the server at %s answers: %w (%w)", address, err, errNoServer)
	}
	if v == nil || len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, v)
}

// request makes a request of the server at the address that it returns.
func (f *adminFlags) request(method, path string, query url.Values, body any) (address string, _ *http.Response, err error) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var send io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return "", nil, err
		}
		send = bytes.NewReader(raw)
	}
	if address, err = caddycmd.DetermineAdminAPIAddress(f.address, nil, f.config, ""); err != nil {
		return "", nil, fmt.Errorf("find the admin endpoint: %w", err)
	}
	resp, err := caddycmd.AdminAPIRequest(address, method, path, nil, send)
	if err != nil {
		return "", nil, saidBy(address, err)
	}
	return address, resp, nil
}

// serverError is what a server that runs answered.
type serverError struct{ status, text string }

func (e *serverError) Error() string { return "the server answered " + e.status + ": " + e.text }

// saidBy tells an error that the server answered from there being no server.
// Caddy's client makes texts of both.
func saidBy(address string, err error) error {
	text, ok := strings.CutPrefix(err.Error(), "caddy responded with error: ")
	if !ok {
		return fmt.Errorf("ask the running server at %s: %w (%w)", address, err, errNoServer)
	}
	status, body, _ := strings.Cut(text, ": ")
	var said struct {
		Error string `json:"error"`
		problem.Details
	}
	if json.Unmarshal([]byte(body), &said) == nil && said.Error+said.Detail != "" {
		body = said.Error + said.Detail
		for _, field := range said.Errors {
			if field.Detail != said.Detail {
				body += "\n  " + strings.TrimPrefix(field.Pointer, "/") + field.Parameter + ": " + field.Detail
			}
		}
	}
	return &serverError{status, strings.TrimSpace(body)}
}

// isAway reports whether an error says that there is no server, or one that is starting.
func isAway(err error) bool {
	said, ok := errors.AsType[*serverError](err)
	return errors.Is(err, errNoServer) || ok && said.status == "HTTP 503"
}

// presence is for commands that go on when the server is restarted: it says once that the
// server is away, and once that it is back.
type presence struct{ away bool }

func (p *presence) gone(cmd *cobra.Command, err error) {
	if !p.away {
		fmt.Fprintln(cmd.ErrOrStderr(), "the server does not answer; trying again until it does:", err)
	}
	p.away = true
}

func (p *presence) back(cmd *cobra.Command) {
	if p.away {
		fmt.Fprintln(cmd.ErrOrStderr(), "the server answers again")
	}
	p.away = false
}

// hint says on w of which scopes nothing can come. It is no more than a hint:
// what fails of it is not told.
func (f *adminFlags) hint(w io.Writer, scopes []string) {
	if len(scopes) > 0 {
		f.hints(w, "/sidehook/unearned", url.Values{"scope": scopes})
	}
}

// hints writes the hints that the server has at path.
func (f *adminFlags) hints(w io.Writer, path string, query url.Values) {
	var hints []string
	if f.ask(http.MethodGet, path, query, nil, &hints) != nil {
		return
	}
	for _, h := range hints {
		fmt.Fprintln(w, "hint:", h)
	}
}

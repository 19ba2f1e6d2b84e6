package command

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/internal/version"
	"github.com/sidehook/sidehook/webhook"
)

// listenCommand forwards events of the running server to a local address.
func listenCommand() *cobra.Command {
	l := listening{client: &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	cmd := &cobra.Command{
		Use:   "listen --forward-to URL",
		Short: "Send events of the running server to a local address, signed, and print what it answers",
		Long: `For developing a receiver: it gets what a subscription would get, from now on, one
after the other, once, whatever it answers. No subscription is made, and nothing is
kept or tried again. It goes on when the server is restarted.

It signs with --secret, else with one of its own, which it prints and which stays the
same on this machine.`,
		Args: Arguments(0, 0),
		RunE: l.run,
	}
	l.add(cmd)
	fl := cmd.Flags()
	fl.StringVar(&l.to, "forward-to", "", "where to send them, like http://localhost:3000/hooks (required)")
	fl.StringSliceVar(&l.scopes, "scope", nil, "only scopes that match, such as project.** (may be repeated)")
	fl.StringVar(&l.payload, "payload", "", "standard, full, thin, cloudevents, cloudevents_binary, or one of the configuration (default: standard)")
	fl.StringVar(&l.tenant, "tenant", "", "only events of one tenant")
	fl.StringVar(&l.secret, "secret", "", "secret to sign with (whsec_…)")
	return cmd
}

type listening struct {
	adminFlags
	presence
	to, payload, tenant, secret string
	scopes                      []string

	client *http.Client
	key    []byte
	after  string // position behind which the stream goes on; "": from now on
}

func (l *listening) run(cmd *cobra.Command, _ []string) error {
	if u, err := url.Parse(l.to); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("--forward-to %q: write an address like http://localhost:3000/hooks", l.to)
	}
	if l.secret == "" {
		var err error
		if l.secret, err = ownSecret(); err != nil {
			return err
		}
	}
	var err error
	if l.key, err = webhook.NewSecret(l.secret).StandardKey(); err != nil {
		return fmt.Errorf("--secret: %w", err)
	}
	for first := true; cmd.Context().Err() == nil; first = false {
		err := l.stream(cmd)
		switch {
		case err == nil || cmd.Context().Err() != nil:
			continue
		case first || !isAway(err):
			return err
		}
		l.gone(cmd, err)
		select {
		case <-time.After(500 * time.Millisecond):
		case <-cmd.Context().Done():
		}
	}
	return nil
}

// stream forwards what one stream brings. The server ends it now and then.
func (l *listening) stream(cmd *cobra.Command) error {
	q := url.Values{"scope": l.scopes}
	for name, value := range map[string]string{"after": l.after, "payload": l.payload, "tenant": l.tenant} {
		if value != "" {
			q.Set(name, value)
		}
	}
	_, resp, err := l.request(http.MethodGet, "/sidehook/stream", q, nil)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(cmd.Context(), func() { resp.Body.Close() })
	defer stop()
	defer resp.Body.Close()
	lines := json.NewDecoder(resp.Body)
	for {
		var s view.Streamed
		if err := lines.Decode(&s); err != nil {
			return nil // it has ended, or broke off: the next goes on from there
		}
		if l.after == "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "listening; webhooks to %s are signed with %s\n", l.to, l.secret)
			l.hint(cmd.ErrOrStderr(), l.scopes)
			l.away = false
		} else {
			l.back(cmd)
		}
		if s.ID != "" {
			if err := l.forward(cmd, &s); err != nil {
				return err
			}
		}
		l.after = fmt.Sprint(s.Position)
	}
}

// forwarded tells what was answered.
type forwarded struct {
	Time   time.Time `json:"time"`
	ID     string    `json:"id"`
	Scope  string    `json:"scope"`
	Entity string    `json:"entity"`
	Status int       `json:"status,omitempty"`
	Took   string    `json:"took,omitempty"`
	Answer string    `json:"answer,omitempty"`
	Error  string    `json:"error,omitempty"`
}

// forward sends one event and prints what came of it.
func (l *listening) forward(cmd *cobra.Command, s *view.Streamed) error {
	out := forwarded{Time: time.Now(), ID: s.ID, Scope: s.Scope, Entity: s.Entity, Error: s.Error}
	if s.Error == "" {
		l.send(cmd.Context(), s, &out)
	}
	w := cmd.OutOrStdout()
	if l.json {
		return printJSON(w, out)
	}
	text := out.Error
	if text == "" {
		text = fmt.Sprintf("%d %s in %s", out.Status, http.StatusText(out.Status), out.Took)
		if answer := strings.TrimSpace(out.Answer); answer != "" {
			text += ": " + abbreviate(json.RawMessage(strings.Join(strings.Fields(answer), " ")))
		}
	}
	_, err := fmt.Fprintf(w, "%s  %s  %s  %s  %s\n", words.Clock(out.Time), s.Scope, s.Entity, s.ID, text)
	return err
}

func (l *listening) send(ctx context.Context, s *view.Streamed, out *forwarded) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.to, bytes.NewReader(s.Body))
	if err != nil {
		out.Error = err.Error()
		return
	}
	stamp := fmt.Sprint(out.Time.Unix())
	sum := standardMAC(l.key, s.ID+"."+stamp+"."+string(s.Body))
	for name, value := range map[string]string{
		"Content-Type": s.ContentType, "User-Agent": "sidehook/" + version.Number + " listen", "webhook-id": s.ID, "webhook-timestamp": stamp,
		"webhook-signature": "v1," + base64.StdEncoding.EncodeToString(sum), "webhook-attempt": "1",
	} {
		req.Header.Set(name, value)
	}
	for _, h := range s.Headers {
		req.Header.Set(h.Name, h.Value)
	}
	resp, err := l.client.Do(req)
	if err != nil {
		out.Error = err.Error()
		return
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil {
		out.Error = "its answer broke off: " + err.Error()
	}
	out.Status, out.Took, out.Answer = resp.StatusCode, time.Since(out.Time).Round(time.Millisecond).String(), string(answer)
}

// ownSecret returns the secret that listen signs with on this machine.
func ownSecret() (string, error) {
	path := filepath.Join(caddy.AppConfigDir(), "sidehook-listen-secret")
	if text, err := os.ReadFile(path); err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	raw := make([]byte, 32)
	rand.Read(raw)
	secret := "whsec_" + base64.StdEncoding.EncodeToString(raw)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, []byte(secret+"\n"), 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("keep a secret to sign with: %w; or give one with --secret", err)
	}
	return secret, nil
}

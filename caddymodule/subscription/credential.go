package subscription

import (
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/sidehook/sidehook/caddymodule/source"
	"github.com/sidehook/sidehook/webhook"
)

// Credential is a header with which Sidehook asks the API itself.
type Credential struct {
	// Header is the field's name, like Authorization.
	Header string `json:"header" jsonschema:"Name of the header, like Authorization, Cookie or X-Api-Key."`

	// Value is the field's value. {env.NAME} and {file./path} in it are read when
	// the configuration is loaded.
	Value string `json:"value" jsonschema:"Its value, like Bearer and a token."`
}

// checkCredential says what is wrong with a credential; its value is not told.
func checkCredential(c *Credential) error {
	switch {
	case !httpguts.ValidHeaderFieldName(c.Header):
		return fmt.Errorf("credential: header %q is no header name: write one like Authorization", c.Header)
	case slices.Contains(notCredential, textproto.CanonicalMIMEHeaderKey(c.Header)):
		return fmt.Errorf("credential: header %s frames the request: write one like Authorization", c.Header)
	case strings.TrimSpace(c.Value) == "":
		return fmt.Errorf("credential: its value is empty: write what follows %s:", c.Header)
	case strings.ContainsFunc(c.Value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return fmt.Errorf("credential: its value has a line break or another control character in it")
	}
	return nil
}

// notCredential are headers that frame a request, or choose what answers it.
var notCredential = []string{
	"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Content-Encoding", "Connection", "Keep-Alive", "Trailer", "Te",
	"Upgrade", "Expect", "Accept", "Accept-Encoding", "Cache-Control", "User-Agent", "Range", "If-Match", "If-None-Match",
}

// literalCredential returns what s is asked as, its value being what is written.
func (s *Subscription) literalCredential() (c webhook.Credential) {
	if s.Credential != nil {
		c = webhook.Credential{Header: textproto.CanonicalMIMEHeaderKey(s.Credential.Header), Value: webhook.NewSecret(s.Credential.Value)}
	}
	return c
}

// readCredential reads the credential of s.
func (s *Subscription) readCredential(c Common) (webhook.Credential, error) {
	if s.Credential == nil {
		return webhook.Credential{}, nil
	}
	value, err := source.Read(s.Credential.Value)
	if err != nil {
		return webhook.Credential{}, fmt.Errorf("credential %s: %w", s.Credential.Header, err)
	}
	if !source.In(s.Credential.Value) {
		c.warn("a credential stands in the configuration itself, where everybody sees it who can read that; write {env.NAME} or {file./path}",
			"subscription", s.Name)
	}
	read := Subscription{Credential: &Credential{Header: s.Credential.Header, Value: value}}
	return read.literalCredential(), checkCredential(read.Credential)
}

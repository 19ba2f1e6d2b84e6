package command

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// verifyCommand says whether the signature of a request is right, and if not,
// why.
func verifyCommand() *cobra.Command {
	v := verifying{}
	cmd := &cobra.Command{
		Use:   "verify --secret SECRET (--request FILE | --header 'NAME: VALUE' … --body FILE)",
		Short: "Say whether the signature of a webhook is right, and if not, what is wrong",
		Long: `The request is a file as it came over the wire (headers, an empty line, the body;
the line with POST may be there or not), or its headers and its body by themselves.
The body must be what was received, byte for byte.

It needs no server. It ends with 0 if the signature is right, with 1 if not.`,
		Args: Arguments(0, 0),
		RunE: v.run,
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&v.secrets, "secret", nil, "secret (whsec_…), or public key (whpk_…) for ed25519 (may be repeated)")
	fl.StringVar(&v.request, "request", "", "file of the whole request; - is standard input")
	fl.StringArrayVar(&v.headers, "header", nil, "header, like 'webhook-id: evt_…' (may be repeated)")
	fl.StringVar(&v.body, "body", "", "file of the body; - is standard input")
	fl.StringVar(&v.at, "at", "", "when it was received, like 2026-11-22T08:00:00Z (default: now)")
	fl.DurationVar(&v.tolerance, "tolerance", 5*time.Minute, "how far its time may be from that")
	fl.BoolVar(&v.json, "json", false, "print JSON")
	return cmd
}

type verifying struct {
	secrets, headers  []string
	request, body, at string
	tolerance         time.Duration
	json              bool
}

func (v *verifying) run(cmd *cobra.Command, _ []string) error {
	r := signedRequest{now: time.Now(), tolerance: v.tolerance, secrets: v.secrets}
	if len(v.secrets) == 0 {
		return errors.New("write --secret: the subscription's (whsec_…), or its public key (whpk_…)")
	}
	var err error
	if v.at != "" {
		if r.now, err = time.Parse(time.RFC3339, v.at); err != nil {
			return fmt.Errorf("--at %q: write a time like 2026-11-22T08:00:00Z", v.at)
		}
	}
	if r.header, r.body, err = v.read(cmd.InOrStdin()); err != nil {
		return err
	}
	found := r.verify()
	if v.json {
		err = printJSON(cmd.OutOrStdout(), found)
	} else if found.Valid {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "the signature is right:", found.Detail)
	}
	if err == nil && !found.Valid {
		err = fmt.Errorf("the signature is not right: %s", found.Detail)
	}
	return err
}

// read returns the headers and the body that the flags name.
func (v *verifying) read(in io.Reader) (http.Header, []byte, error) {
	load := func(name string) ([]byte, error) {
		if name == "-" {
			return io.ReadAll(in)
		}
		return os.ReadFile(name)
	}
	if v.request != "" {
		text, err := load(v.request)
		if err != nil {
			return nil, nil, fmt.Errorf("read the request: %w", err)
		}
		return parseRequest(text)
	}
	if v.body == "" {
		return nil, nil, errors.New("write --request FILE, or --body FILE with --header 'NAME: VALUE' for each header")
	}
	h := http.Header{}
	for _, line := range v.headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, nil, fmt.Errorf("--header %q: write 'NAME: VALUE'", line)
		}
		h.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	body, err := load(v.body)
	if err != nil {
		return nil, nil, fmt.Errorf("read the body: %w", err)
	}
	return h, body, nil
}

// parseRequest takes a request apart, leniently: files get other line ends.
func parseRequest(text []byte) (http.Header, []byte, error) {
	h, rest := http.Header{}, bufio.NewReader(bytes.NewReader(text))
	for first := true; ; first = false {
		line, err := rest.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		switch {
		case ok && !strings.Contains(name, " "):
			h.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		case !first:
			return nil, nil, fmt.Errorf("the request: %q is no header; headers come first, then an empty line, then the body", line)
		}
		if err != nil {
			return nil, nil, errors.New("the request has no empty line between its headers and its body")
		}
	}
	body, err := io.ReadAll(rest)
	return h, body, err
}

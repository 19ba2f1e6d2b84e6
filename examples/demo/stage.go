package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sidehook/sidehook/examples/crud"
	"github.com/sidehook/sidehook/examples/internal/serve"
	"github.com/sidehook/sidehook/examples/receiver"
)

// patience bounds every wait for something that should come at once.
const patience = 20 * time.Second

// stage is everything that plays: the API and the receivers in this process,
// Sidehook in one of its own.
type stage struct {
	dir       string // temporary; holds Sidehook's data and log
	site      string // where Sidehook answers for the API
	admin     string // Caddy's admin endpoint
	api       string // the API itself
	receivers map[string]*receiver.Receiver
	isDown    map[string]bool
	played    int // steps of the story
	servers   []*http.Server
	proxy     *serve.Process
}

// names are the receivers, in the order in which they are printed.
var names = []string{"crm", "billing"}

// open starts everything and returns when a call through Sidehook reaches the
// API. With keep the usual ports are taken if they are free.
func open(binary, config string, keep bool) (s *stage, err error) {
	s = &stage{receivers: map[string]*receiver.Receiver{}, isDown: map[string]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "sidehook-demo-"); err != nil {
		return s, err
	}
	port := func(usual int) string {
		if !keep {
			usual = 0
		}
		return serve.FreePort(usual)
	}
	env := []string{
		"DATA_DIR=" + filepath.Join(s.dir, "data"),
		"XDG_CONFIG_HOME=" + s.dir, "XDG_DATA_HOME=" + s.dir,
	}
	api := crud.New(crud.Options{NoContent: []string{"contact"}})
	apiPort := port(3000)
	if err = s.serve(apiPort, api); err != nil {
		return s, err
	}
	env = append(env, "API_PORT="+apiPort)
	for i, name := range names {
		more, err := s.receive(name, port(9001+i), keep)
		if err != nil {
			return s, err
		}
		env = append(env, more...)
	}
	sitePort, adminPort := port(8080), port(2019)
	s.site, s.admin, s.api = "http://localhost:"+sitePort, "http://localhost:"+adminPort, "http://localhost:"+apiPort
	env = append(env, "PORT="+sitePort, "ADMIN_PORT="+adminPort)
	s.proxy, err = serve.Start(filepath.Join(s.dir, "sidehook.log"), env, binary, "run", "--config", config, "--adapter", "caddyfile")
	if err != nil {
		return s, err
	}
	return s, s.proxy.Ready(s.site + "/api/projects")
}

// receive starts the receiver of a subscription, and returns what the
// Caddyfile wants to know of it.
func (s *stage) receive(name, port string, print bool) (env []string, err error) {
	key := make([]byte, 32)
	rand.Read(key)
	secret := "whsec_" + base64.StdEncoding.EncodeToString(key)
	endpoint, err := receiver.New(secret, func(a receiver.Arrival) {
		if print {
			fmt.Printf("  → %-8s %s\n", name, a.Line())
		}
	})
	if err != nil {
		return nil, err
	}
	s.receivers[name] = endpoint
	upper := map[string]string{"crm": "CRM", "billing": "BILLING"}[name]
	return []string{upper + "_PORT=" + port, upper + "_SECRET=" + secret}, s.serve(port, endpoint)
}

func (s *stage) serve(port string, handler http.Handler) error {
	listener, err := net.Listen("tcp", "localhost:"+port)
	if err != nil {
		return err
	}
	server, _ := serve.On(listener, handler)
	s.servers = append(s.servers, server)
	return nil
}

// close stops everything and removes what it left. It says so if Sidehook did
// not end by itself.
func (s *stage) close() error {
	err := s.proxy.Stop()
	for _, server := range s.servers {
		server.Close()
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(s.dir)
}

// hints says what can be tried.
func (s *stage) hints(out io.Writer) {
	fmt.Fprintf(out, `The API is at %[1]s, behind Sidehook at %[2]s. Webhooks are printed below as
they arrive: crm asked for projects and tasks, billing for contacts and a few scopes.
Its log is %[3]s, its data are next to it; both go when you press Ctrl-C.

Try, in another terminal:

  curl %[2]s/api/projects -d '{"name":"Roof","budget":{"amount":15000.00}}'
  curl -X PATCH %[2]s/api/projects/1001 -d '{"status":"active"}'
  curl -X PATCH %[2]s/api/projects/1001 -d '{"budget":{"spent":16200.00}}'
  curl %[2]s/api/contacts -d '{"name":"Ida Holm"}'
  curl -X DELETE %[2]s/api/projects/1001
  curl %[4]s/sidehook/health
  bin/sidehook events --address %[5]s

`, s.api, s.site, s.proxy.Log, s.admin, s.admin[len("http://"):])
}

// Command generate starts a Sidehook, generates a client from the OpenAPI document
// that it serves, and lets package call use that client.
//
//	go run ./generate PATH-OF-SIDEHOOK
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./generate PATH-OF-SIDEHOOK")
		os.Exit(2)
	}
	if err := generate(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
	fmt.Println("a generated client has subscribed, and got its webhook")
}

func generate(binary string) error {
	dir, err := os.MkdirTemp("", "sidehook-client")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	base, stop, err := start(binary, dir)
	if err != nil {
		return err
	}
	defer stop()
	doc, err := fetch(base + "/openapi.json")
	if err != nil {
		return err
	}
	if err := os.WriteFile("openapi.json", doc, 0o600); err != nil {
		return err
	}
	if err := run("go", "tool", "oapi-codegen", "-generate", "types,client", "-package", "sidehook", "-o", "sidehook/client.go", "openapi.json"); err != nil {
		return err
	}
	return run("go", "run", "./call", base)
}

const config = `{
	admin off
	sidehook {
		store badger %s
	}
}
http://%s {
	handle_path /webhooks/* {
		sidehook_api {
			allow_unauthenticated
			allow_private
		}
	}
	handle {
		sidehook {
			resource project /api/projects
		}
		respond 404
	}
}
`

// start starts a Sidehook in dir and returns where its API is.
func start(binary, dir string) (base string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	site := l.Addr().String()
	l.Close()
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, fmt.Appendf(nil, config, filepath.Join(dir, "data"), site), 0o600); err != nil {
		return "", nil, err
	}
	cmd := exec.Command(binary, "run", "--config", file, "--adapter", "caddyfile")
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	return "http://" + site + "/webhooks", func() {
		cmd.Process.Kill()
		cmd.Wait()
	}, nil
}

// fetch reads a URL, as soon as somebody serves it.
func fetch(url string) ([]byte, error) {
	for deadline := time.Now().Add(30 * time.Second); ; {
		resp, err := http.Get(url)
		if err == nil {
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return nil, fmt.Errorf("%s: %s", url, resp.Status)
			}
			return io.ReadAll(resp.Body)
		}
		if time.Now().After(deadline) {
			return nil, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func run(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// process is the Sidehook that the demo started.
type process struct {
	cmd   *exec.Cmd
	log   string
	ended chan struct{} // closed when it has ended
}

// start runs a command whose output goes to the file log.
func start(log string, env []string, command string, args ...string) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &process{cmd: exec.Command(command, args...), log: log, ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start sidehook (make build makes it): %w", err)
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// ready returns when url answers 200.
func (p *process) ready(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-p.ended:
			return p.crashed()
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer; sidehook's log ends with:\n%s", url, p.tail())
		}
	}
}

// stop asks the process to end, and makes it if it does not within 10 s: then
// its log has the stacks, and is kept.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return nil
	case <-time.After(10 * time.Second):
		p.cmd.Process.Signal(syscall.SIGABRT)
		<-p.ended
		return fmt.Errorf("sidehook did not end within 10 s; %s says what it was doing", p.log)
	}
}

func (p *process) crashed() error {
	return fmt.Errorf("sidehook ended by itself; its log ends with:\n%s", p.tail())
}

// tail returns the last lines of the log.
func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
}

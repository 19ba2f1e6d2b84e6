package serve

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// patience bounds every wait for something that should come at once.
const patience = 20 * time.Second

// Process is a Sidehook that an example started.
type Process struct {
	Log string // the file that its output goes to

	cmd   *exec.Cmd
	Ended chan struct{} // closed when it has ended
}

// Start runs a command whose output goes to the file log.
func Start(log string, env []string, command string, args ...string) (*Process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &Process{cmd: exec.Command(command, args...), Log: log, Ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start sidehook (make build makes it): %w", err)
	}
	go func() {
		p.cmd.Wait()
		close(p.Ended)
	}()
	return p, nil
}

// Ready returns when url answers 200.
func (p *Process) Ready(url string) error {
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
		case <-p.Ended:
			return p.Crashed()
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer; sidehook's log ends with:\n%s", url, p.Tail())
		}
	}
}

// Stop asks the process to end, and makes it if it does not within 10 s: then
// its log has the stacks, and is kept.
func (p *Process) Stop() error {
	if p == nil {
		return nil
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.Ended:
		return nil
	case <-time.After(10 * time.Second):
		p.cmd.Process.Signal(syscall.SIGABRT)
		<-p.Ended
		return fmt.Errorf("sidehook did not end within 10 s; %s says what it was doing", p.Log)
	}
}

// Crashed is the error of a process that ended by itself: its state says by which
// signal or status, which a log that ends without a word does not.
func (p *Process) Crashed() error {
	<-p.Ended
	return fmt.Errorf("sidehook ended by itself (%v); its log ends with:\n%s", p.cmd.ProcessState, p.Tail())
}

// Tail returns the last lines of the log.
func (p *Process) Tail() string {
	text, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
}

// FreePort returns usual if nothing listens there, else a free port. Somebody
// may take it before it is used; then whoever wanted it says so.
func FreePort(usual int) string {
	listener, err := net.Listen("tcp", fmt.Sprintf("localhost:%d", usual))
	if err != nil {
		listener, err = net.Listen("tcp", "localhost:0")
	}
	if err != nil {
		return "0"
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// Package proc runs the programs that tests and benchmarks are about, Sidehook
// above all, and waits for what they do. It knows nothing of package testing, so
// that benchmarks have it too.
package proc

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Build builds sidehook into the file to, with further flags of go build.
func Build(to string, flags ...string) error {
	args := append([]string{"build", "-o", to}, flags...)
	cmd := exec.Command("go", append(args, "github.com/sidehook/sidehook/cmd/sidehook")...)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// Log keeps what processes printed. Its zero value is empty and ready.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements [io.Writer].
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String returns all of it.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// tail is how much of a log a person wants to see.
const tail = 3000

// Tail returns its end.
func (l *Log) Tail() string {
	text := l.String()
	return text[max(0, len(text)-tail):]
}

// Process is a program that runs, or ran.
type Process struct {
	Log *Log // what it prints

	cmd   *exec.Cmd
	ended chan struct{}
}

// Start starts cmd. What it prints is added to log. Whoever starts a process
// ends it.
func Start(cmd *exec.Cmd, log *Log) (*Process, error) {
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{Log: log, cmd: cmd, ended: make(chan struct{})}
	go func() {
		cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// Pid returns its number.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Ended returns a channel that is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// State waits for the end of the process and returns how it came: by which signal or
// status, which a log that stops without a word does not tell.
func (p *Process) State() *os.ProcessState {
	<-p.ended
	return p.cmd.ProcessState
}

// Kill ends the process at once, as a crash would, and returns when it has ended.
func (p *Process) Kill() {
	p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.ended
}

// Stop ends the process as an operator would, and kills it if it takes longer
// than patience. It returns how long it took.
func (p *Process) Stop(patience time.Duration) time.Duration {
	began := time.Now()
	p.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		p.Kill()
	}
	return time.Since(began)
}

// FreeAddresses returns n different loopback addresses (host:port) that nobody
// listens on.
func FreeAddresses(n int) (all []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // held until all are found
		all = append(all, l.Addr().String())
	}
	return all, nil
}

// look is how often Wait looks.
const look = 5 * time.Millisecond

// Wait returns true as soon as ok does, or false after limit.
func Wait(limit time.Duration, ok func() bool) bool {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			return false
		}
	}
	return true
}

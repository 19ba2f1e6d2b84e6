package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// stage is what stands around the measured processes: the API before which they
// stand, the sink to which they deliver, and a directory for what they keep.
type stage struct {
	settings
	dir      string
	api      *api
	sink     *sink
	origin   string // the API's address
	target   string // the sink's address
	servers  []*http.Server
	children []*child
}

func openStage(s settings, dir string) (st *stage, err error) {
	st = &stage{settings: s, dir: dir, api: &api{}, sink: &sink{}}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for address, handler := range map[*string]http.Handler{&st.origin: st.api, &st.target: st.sink} {
		var server *http.Server
		if *address, server, err = listen(handler); err != nil {
			st.close()
			return nil, err
		}
		st.servers = append(st.servers, server)
	}
	return st, nil
}

// start runs a process whose data are those of an earlier one of that name.
func (st *stage) start(name, global, directive string, env []string) (*child, error) {
	c, err := start(st.binary, st.dir, name, st.origin, global, directive, env)
	if c != nil {
		st.children = append(st.children, c)
	}
	return c, err
}

// close ends everything. Processes that were stopped stay so.
func (st *stage) close() {
	for _, c := range st.children {
		c.stop()
	}
	for _, server := range st.servers {
		server.Close()
	}
}

// data is the data directory of the process called name.
func (st *stage) data(name string) string { return filepath.Join(st.dir, name, "store") }

// subscription is one in the Caddyfile that gets scopes at a path of the sink,
// or at a URL, with further lines.
func (st *stage) subscription(name, url, scopes string, lines ...string) string {
	if strings.HasPrefix(url, "/") {
		url = "http://" + st.target + url
	}
	text := fmt.Sprintf("\t\tsubscription %s %s {\n\t\t\tscopes %s\n\t\t\tsecret {env.BENCH_SECRET}\n", name, url, scopes)
	for _, line := range lines {
		text += "\t\t\t" + line + "\n"
	}
	return text + "\t\t}\n"
}

// await returns when the sink has got all it is owed.
func (st *stage) await(total int64) error {
	for last, since := st.sink.arrived.Load(), time.Now(); ; {
		now := st.sink.arrived.Load()
		switch {
		case now >= total:
			return nil
		case now > last:
			last, since = now, time.Now()
		case time.Since(since) > 10*time.Second:
			return fmt.Errorf("the sink has %d webhooks, and %d are owed", now, total)
		}
		time.Sleep(time.Millisecond)
	}
}

// onDisk returns what the files below dir take on disk, in bytes.
func onDisk(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		total += blocks(info)
		return err
	})
	return total, err
}

// profile writes, if it is asked for, where the processor time of c goes in the
// seconds to come, and then its memory. The channel tells when it is done.
func (st *stage) profile(c *child, name string, seconds int) <-chan error {
	done := make(chan error, 1)
	if st.profiles == "" {
		done <- nil
		return done
	}
	go func() {
		cpu := c.profile(fmt.Sprintf("profile?seconds=%d", seconds), filepath.Join(st.profiles, name+".cpu"))
		done <- errors.Join(cpu, c.profile("heap", filepath.Join(st.profiles, name+".heap")))
	}()
	return done
}

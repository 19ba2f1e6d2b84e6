package main

import (
	"fmt"
	"net/http"
)

// bench is everything that runs while it measures.
type bench struct {
	settings
	dir     string
	api     *api
	sink    *sink
	disk    *disk
	origin  string // the API's address
	target  string // the sink's address
	servers []*http.Server
	sides   []*side
}

// side is one thing that is compared with plain Caddy.
type side struct {
	name   string
	child  *child
	path   string // what is written to
	load   *load  // with all connections
	single *load  // with one
	owes   bool   // each of its calls must reach the sink
	result compared
}

// compared is what the windows of a side and of its plain partner came to.
type compared struct {
	ratios   []float64 // requests per second, of the partner's in the same pair
	rates    []float64
	p50, p99 []float64 // µs
	cpu      []float64 // µs of processor time per request, its backlog included
}

const (
	plain = iota
	again
	passing
	captured
	delivered
)

// directive is what the measured Sidehooks capture.
const directive = "sidehook {\n\t\tresource project /api/projects\n\t}"

func open(s settings, dir string) (b *bench, err error) {
	b = &bench{settings: s, dir: dir, api: &api{}, sink: &sink{}}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.disk, err = openDisk(dir); err != nil {
		return b, err
	}
	for address, handler := range map[*string]http.Handler{&b.origin: b.api, &b.target: b.sink} {
		var server *http.Server
		if *address, server, err = listen(handler); err != nil {
			return b, err
		}
		b.servers = append(b.servers, server)
	}
	for _, side := range []struct {
		side
		global, directive string
	}{
		plain:     {side{name: "plain", path: "/api/projects"}, "", ""},
		again:     {side{name: "again", path: "/api/projects"}, "", ""},
		passing:   {side{name: "passing", path: "/other/things"}, "\n", directive},
		captured:  {side{name: "captured", path: "/api/projects"}, "\n", directive},
		delivered: {side{name: "delivered", path: "/api/projects", owes: true}, b.subscription(), directive},
	} {
		if err = b.start(&side.side, side.global, side.directive, pinned); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (b *bench) subscription() string {
	return fmt.Sprintf("\t\tsubscription sink http://%s/webhooks {\n\t\t\tscopes project.**\n\t\t\tsecret {env.BENCH_SECRET}\n\t\t\tconcurrency 64\n\t\t}\n", b.target)
}

// start runs the process of s and connects to it; close ends both.
func (b *bench) start(s *side, global, directive string, env []string) (err error) {
	if s.child, err = start(b.binary, b.dir, s.name, b.origin, global, directive, env); s.child != nil {
		b.sides = append(b.sides, s)
	}
	if err != nil {
		return err
	}
	if s.load, err = dial(s.child.address, s.path, b.conns); err == nil {
		s.single, err = dial(s.child.address, s.path, 1)
	}
	return err
}

func (b *bench) close() {
	for _, s := range b.sides {
		for _, l := range []*load{s.load, s.single} {
			if l != nil {
				l.close()
			}
		}
		s.child.stop()
	}
	for _, server := range b.servers {
		server.Close()
	}
	if b.disk != nil {
		b.disk.file.Close()
	}
}

package main

// bench is what the proxy is compared with plain Caddy with.
type bench struct {
	*stage
	disk  *disk
	sides []*side
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
	st, err := openStage(s, dir)
	if err != nil {
		return nil, err
	}
	b = &bench{stage: st}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.disk, err = openDisk(dir); err != nil {
		return b, err
	}
	for _, side := range []struct {
		side
		global, directive string
	}{
		plain:     {side{name: "plain", path: "/api/projects"}, "", ""},
		again:     {side{name: "again", path: "/api/projects"}, "", ""},
		passing:   {side{name: "passing", path: "/other/things"}, "\n", directive},
		captured:  {side{name: "captured", path: "/api/projects"}, "\n", directive},
		delivered: {side{name: "delivered", path: "/api/projects", owes: true}, b.wanted(), directive},
	} {
		if err = b.add(&side.side, side.global, side.directive, pinned); err != nil {
			return b, err
		}
	}
	return b, nil
}

// wanted is the one subscription.
func (b *bench) wanted() string {
	return b.subscription("sink", "/webhooks", "project.**", "concurrency 64")
}

// add runs the process of s and connects to it; close ends both.
func (b *bench) add(s *side, global, directive string, env []string) (err error) {
	if s.child, err = b.start(s.name, global, directive, env); err != nil {
		return err
	}
	b.sides = append(b.sides, s)
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
	}
	b.stage.close()
	if b.disk != nil {
		b.disk.file.Close()
	}
}

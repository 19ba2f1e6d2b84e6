package e2e

import (
	"math/rand/v2"
	"testing"
	"time"
)

// runAmidDeaths does what runAll does while sidehook is killed, also as it
// recovers, and configured anew at random moments: with an API that may be asked
// what became of a call, and without.
func (w *world) runAmidDeaths(t *testing.T, seeds []uint64, steps script, api string) []string {
	t.Helper()
	configs := []string{
		modelConfig("", api),
		modelConfig("\t\torigin "+api+"\n\t\tcredential Authorization secret\n", api),
	}
	over := make(chan []string, 1)
	go func() { over <- w.play(seeds, steps) }()
	deaths, reloads := 0, 0
	for {
		enough := w.model.Writes() + 2 + rand.IntN(40)
		var names []string
		until(t, "further calls are done", func() bool {
			select {
			case names = <-over:
				return true
			default:
				return w.model.Writes() >= enough
			}
		})
		if names != nil {
			t.Logf("%d deaths and %d reloads", deaths, reloads)
			w.readEvents(t)
			return names
		}
		if rand.IntN(3) == 0 {
			w.configure(configs[rand.IntN(2)])
			if err := w.reload(); err != nil {
				t.Fatal(err)
			}
			reloads++
			continue
		}
		w.kill()
		deaths += 1 + w.startAmidDeaths()
	}
}

// startAmidDeaths starts p again. It kills it as it recovers, sometimes more than
// once; it returns how often.
func (p *process) startAmidDeaths() (deaths int) {
	for rand.IntN(3) == 0 {
		p.launch()
		moment := time.NewTimer(time.Duration(rand.IntN(400)) * time.Millisecond)
		select {
		case <-moment.C:
		case <-p.Ended():
		}
		moment.Stop()
		p.kill()
		deaths++
	}
	p.start()
	return deaths
}

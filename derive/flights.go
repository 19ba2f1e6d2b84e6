package derive

import "sync"

// flights counts goroutines. Unlike of a [sync.WaitGroup], another may begin
// while one waits for those that have: calls end while their GETs are drained.
type flights struct {
	mu      sync.Mutex
	aloft   int
	landing []chan struct{} // closed when aloft falls to 0
}

// Go runs f in a goroutine.
func (l *flights) Go(f func()) {
	l.mu.Lock()
	l.aloft++
	l.mu.Unlock()
	go func() {
		defer l.land()
		f()
	}()
}

func (l *flights) land() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.aloft--; l.aloft > 0 {
		return
	}
	for _, c := range l.landing {
		close(c)
	}
	l.landing = nil
}

// landed returns a channel that is closed once no goroutine is under way.
func (l *flights) landed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := make(chan struct{})
	if l.aloft == 0 {
		close(c)
	} else {
		l.landing = append(l.landing, c)
	}
	return c
}

package derive

// signal lets those go who wait for something that comes again and again. Its zero value
// is ready; it is used with Traffic.mu held.
type signal struct{ c chan struct{} } // nil: nobody waits

// next returns a channel that is closed when what is waited for comes next.
func (s *signal) next() <-chan struct{} {
	if s.c == nil {
		s.c = make(chan struct{})
	}
	return s.c
}

// give lets those go who wait.
func (s *signal) give() {
	if s.c != nil {
		close(s.c)
		s.c = nil
	}
}

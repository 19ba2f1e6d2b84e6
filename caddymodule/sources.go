package caddymodule

import (
	"fmt"

	"github.com/sidehook/sidehook/caddymodule/directive"
)

// Sources says where options stand in the file from which a configuration was
// adapted, as FILE:LINE, by their names. It has those that are read from elsewhere
// when the configuration is loaded, and so are found wrong only then.
type Sources map[string]string

// note notes where l stands.
func (s *Sources) note(l *directive.Line) {
	if *s == nil {
		*s = Sources{}
	}
	(*s)[l.Name()] = l.Place()
}

// at returns err, which is about an option, with where that stands, if that is known.
func (s Sources) at(option string, err error) error {
	if place := s[option]; err != nil && place != "" {
		return fmt.Errorf("%w, at %s", err, place)
	}
	return err
}

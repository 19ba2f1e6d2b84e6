package subscription

import (
	"errors"
	"strings"
)

// advised is an error whose advice is another for who writes a configuration than for
// who calls the API.
type advised struct{ what, configured, called string }

func (a *advised) Error() string { return a.what + a.configured }

// ForCaller returns what err says to who calls the API.
func ForCaller(err error) error {
	if a, ok := errors.AsType[*advised](err); ok {
		return errors.New(strings.Replace(err.Error(), a.Error(), a.what+a.called, 1))
	}
	return err
}

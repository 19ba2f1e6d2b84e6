package subscription

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/webhook"
)

// Bounds of the parameters of a subscriber's own GET.
const (
	maxParameters     = 100
	maxParameterBytes = 500
)

// Looks returns the option by which a GET of its own decides what s is sent; ""
// if none does.
func (s *Subscription) Looks() string { return LooksBy(s.Literally()) }

// checkLooks says what is wrong with how s as a whole asks the API itself.
func (s *Subscription) checkLooks() error {
	switch by := s.Looks(); {
	case by == "view_check" && s.Credential == nil:
		return errors.New("view_check asks the API as the subscriber, and there is no credential: write credential Authorization {env.NAME}")
	case by == "" && s.Credential != nil:
		return errors.New("credential has no effect: write view_check, or expand, query or related too")
	}
	return nil
}

// checkAsked says what is wrong with one of the options by which s asks the API.
func (s *Subscription) checkAsked() error {
	if s.Credential != nil {
		if err := checkCredential(s.Credential); err != nil {
			return err
		}
	}
	if err := checkView(s.Expand, s.Query); err != nil {
		return err
	}
	if len(s.Related) > maxRelated {
		return fmt.Errorf("related has %d names: write up to %d", len(s.Related), maxRelated)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Related)) {
		r := s.Related[name]
		if r == nil || len(r.Expand) == 0 && len(r.Query) == 0 {
			return fmt.Errorf("related %s asks for nothing: write expand or query, or leave it out", name)
		}
		if err := checkView(r.Expand, r.Query); err != nil {
			return fmt.Errorf("related %s: %w", name, err)
		}
	}
	return nil
}

// maxRelated bounds the related entities that one subscription asks for.
const maxRelated = 10

// checkView says what is wrong with what is asked for of an entity.
func checkView(expand []string, query map[string][]string) error {
	if err := checkParameters("expand", expand); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case strings.TrimSpace(name) == "" || len(name) > maxParameterBytes:
			return fmt.Errorf("query: write a parameter's name before its values, like query load-only id name")
		case name == "expand" && len(expand) > 0:
			return fmt.Errorf("query expand: expand says it already: write one of both")
		case len(query[name]) == 0:
			return fmt.Errorf("query %s has no value: write query %s and its values", name, name)
		}
		if err := checkParameters("query "+name, query[name]); err != nil {
			return err
		}
	}
	return nil
}

func checkParameters(option string, values []string) error {
	if len(values) > maxParameters {
		return fmt.Errorf("%s has %d values: write up to %d", option, len(values), maxParameters)
	}
	for _, v := range values {
		if err := checkParameterValue(v); err != nil {
			return fmt.Errorf("%s: %w", option, err)
		}
	}
	return nil
}

// checkParameterValue says what is wrong with one value of a parameter.
func checkParameterValue(v string) error {
	switch {
	case v == "":
		return fmt.Errorf("a value is empty: leave it out")
	case len(v) > maxParameterBytes:
		return fmt.Errorf("a value has %d bytes: write up to %d", len(v), maxParameterBytes)
	case strings.Contains(v, ","):
		return fmt.Errorf("%q: values are separated by spaces, in JSON each is a text of its own: write %s", v, strings.TrimSpace(strings.ReplaceAll(v, ",", " ")))
	}
	return nil
}

// parametersOf returns what query adds to a GET, by name.
func parametersOf(query map[string][]string) (all []webhook.QueryParameter) {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		all = append(all, webhook.QueryParameter{Name: name, Values: query[name]})
	}
	return all
}

// relatedViews returns what s asks for of related entities.
func (s *Subscription) relatedViews() map[string]webhook.View {
	if len(s.Related) == 0 {
		return nil
	}
	views := make(map[string]webhook.View, len(s.Related))
	for name, r := range s.Related {
		if r != nil {
			views[name] = webhook.View{Expand: r.Expand, Query: parametersOf(r.Query)}
		}
	}
	return views
}

// LooksBy returns the option by which s asks the API itself; "" if none does.
func LooksBy(s *webhook.Subscription) string {
	switch {
	case s.ViewCheck:
		return "view_check"
	case len(s.Expand) > 0:
		return "expand"
	case len(s.Query) > 0:
		return "query"
	case len(s.Related) > 0:
		return "related"
	}
	for _, v := range s.For {
		if by := LooksBy(v); by != "" {
			return by
		}
	}
	return ""
}

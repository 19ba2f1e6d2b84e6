package seed

import "github.com/sidehook/sidehook/caddymodule/capture"

// Parts of a crawl.
var (
	NextLink      = nextLink
	PatienceAsked = patienceAsked
)

// SeedFollows returns what an origin is asked for after current, by a link there.
func SeedFollows(base, current, link string) string {
	s := seeder{h: &capture.Handler{Options: capture.Options{Origin: capture.NewOrigin(base, nil, 1)}}}
	return s.follow(current, link)
}

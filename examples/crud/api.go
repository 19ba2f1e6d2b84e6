package crud

import (
	"net/http"
	"slices"
	"time"

	"github.com/sidehook/sidehook/examples/internal/plain"
)

// Options changes how an [API] behaves. The zero value is the ordinary API.
type Options struct {
	// Latency is added to every call before it is answered.
	Latency time.Duration

	// NoContent names resources ("project", "task" or "contact") whose updates
	// answer 204 and do not show the entity.
	NoContent []string

	// Now is the clock of created_at and updated_at. Default: time.Now.
	Now func() time.Time
}

// API serves the three resources. It is safe for concurrent use.
type API struct {
	api     *plain.API
	latency time.Duration
}

// New returns an empty API.
func New(o Options) *API {
	api := plain.New(o.Now)
	add := func(c plain.Collection) *plain.Collection {
		c.NoContent = slices.Contains(o.NoContent, c.Name)
		c.Created, c.Updated = "created_at", "updated_at"
		return api.Add(c)
	}
	projects := project()
	var tasks *plain.Collection
	projects.MayDelete = func(p plain.Doc) error {
		open := func(t plain.Doc) bool { return t["project_id"] == p["id"] && t["status"] != "done" }
		if len(tasks.All(open)) > 0 {
			return plain.Conflict("the project has open tasks")
		}
		return nil
	}
	tasks = add(task(add(projects)))
	add(contact())
	return &API{api, o.Latency}
}

// ServeHTTP implements [http.Handler].
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.latency > 0 {
		select {
		case <-time.After(a.latency):
		case <-r.Context().Done():
			return
		}
	}
	a.api.ServeHTTP(w, r)
}

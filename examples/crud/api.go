package crud

import (
	"cmp"
	"net/http"
	"time"
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
	mux      http.ServeMux
	latency  time.Duration
	projects *collection[Project, *Project]
	tasks    *collection[Task, *Task]
	contacts *collection[Contact, *Contact]
}

// New returns an empty API.
func New(o Options) *API {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &API{
		latency:  o.Latency,
		projects: newCollection[Project]("project", "/api/projects", 1001, o),
		tasks:    newCollection[Task]("task", "/api/tasks", 1, o),
		contacts: newCollection[Contact]("contact", "/api/contacts", 501, o),
	}
	a.projects.mayDelete = a.noOpenTasks
	a.tasks.mayStore = a.projectExists
	a.projects.routes(&a.mux)
	a.tasks.routes(&a.mux)
	a.contacts.routes(&a.mux)
	a.mux.HandleFunc("GET /api/projects/{id}/tasks", a.listTasks)
	a.mux.HandleFunc("POST /api/projects/{id}/tasks", a.createTask)
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "no such path: %s", r.URL.Path)
	})
	return a
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
	a.mux.ServeHTTP(w, r)
}

// listTasks answers GET /api/projects/{id}/tasks.
func (a *API) listTasks(w http.ResponseWriter, r *http.Request) {
	id, ok := a.project(w, r)
	if !ok {
		return
	}
	a.tasks.writeList(w, r, func(t *Task) bool { return t.ProjectID == id })
}

// createTask answers POST /api/projects/{id}/tasks: the path names the project.
func (a *API) createTask(w http.ResponseWriter, r *http.Request) {
	if id, ok := a.project(w, r); ok {
		a.tasks.create(w, r, func(t *Task) { t.ProjectID = cmp.Or(t.ProjectID, id) })
	}
}

// project returns the id in r's path, having answered 404 if there is no such
// project.
func (a *API) project(w http.ResponseWriter, r *http.Request) (int64, bool) {
	id, ok := a.projects.pathID(r)
	if !ok || !a.projects.has(id) {
		fail(w, http.StatusNotFound, "no project %s", r.PathValue("id"))
		return 0, false
	}
	return id, true
}

func (a *API) projectExists(t *Task) string {
	if a.projects.has(t.ProjectID) {
		return ""
	}
	return "project_id names no project"
}

func (a *API) noOpenTasks(p *Project) string {
	if a.tasks.any(func(t *Task) bool { return t.ProjectID == p.ID && t.Status != "done" }) {
		return "the project has open tasks"
	}
	return ""
}

package plain

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// API is an [http.Handler]. It is safe for concurrent use once its collections
// are added.
type API struct {
	now func() time.Time
	mux *http.ServeMux
	mu  sync.Mutex
}

// New returns an API without collections. now is its clock; nil is time.Now.
func New(now func() time.Time) *API {
	if now == nil {
		now = time.Now
	}
	a := &API{now: now, mux: http.NewServeMux()}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		Fail(w, http.StatusNotFound, "no such path: %s", r.URL.Path)
	})
	return a
}

// ServeHTTP implements [http.Handler].
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mux.ServeHTTP(w, r)
}

// Handle adds a call that is about no single entity. do runs under the lock; its
// answer is written with status, or without a body if it is nil.
func (a *API) Handle(pattern string, status int, do func(c *Call) (answer any, err error)) {
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		body, ok := read(w, r)
		if !ok {
			return
		}
		c := &Call{Request: r}
		if err := c.decode(body); err != nil {
			refuse(w, err)
			return
		}
		a.mu.Lock()
		answer, err := do(c)
		a.mu.Unlock()
		switch {
		case err != nil:
			refuse(w, err)
		case answer == nil:
			w.WriteHeader(status)
		default:
			Write(w, status, answer)
		}
	})
}

// Do runs do as a call would run: for what happens to an API's entities without
// a call.
func (a *API) Do(do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	do()
}

// Now is the time as the API shows it: UTC, in milliseconds.
func (a *API) Now() string {
	return a.now().UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// Call is one request to an action.
type Call struct {
	*http.Request

	// Entity is what the call is about, to be changed in place; nil if the path
	// names none.
	Entity Doc

	// Body is the request's; empty if it had none, or held a list.
	Body Doc

	// List is the request's body if that is a list.
	List []any

	// Status and Answer replace 200 and the entity.
	Status int
	Answer any
}

func (c *Call) decode(body []byte) error {
	c.Body = Doc{}
	if len(body) == 0 {
		return nil
	}
	v, err := decode(body)
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case map[string]any:
		c.Body = v
	case []any:
		c.List = v
	}
	return nil
}

// Refusal is an error with the status of its answer. Other errors answer 400.
type Refusal struct {
	Status int
	Text   string
}

// Error implements [error].
func (r *Refusal) Error() string { return r.Text }

// Conflict refuses what the state of an entity does not allow: 409.
func Conflict(format string, args ...any) error {
	return &Refusal{http.StatusConflict, fmt.Sprintf(format, args...)}
}

// refuse answers with what stands against a call.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	var r *Refusal
	if errors.As(err, &r) {
		status = r.Status
	}
	Fail(w, status, "%s", err)
}

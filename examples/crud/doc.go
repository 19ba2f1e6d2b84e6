// Package crud is a small API of the kind that companies have for years:
// projects, tasks and contacts over JSON, kept in memory. It knows nothing of
// webhooks and nothing of Sidehook; the demo, the end-to-end tests and the
// kill tests put it behind the proxy because it behaves like a real one.
//
// # Routes
//
//	GET  POST               /api/projects
//	GET  PUT PATCH DELETE   /api/projects/{id}
//	GET  POST               /api/projects/{id}/tasks
//	GET  POST               /api/tasks
//	GET  PUT PATCH DELETE   /api/tasks/{id}
//	GET  POST               /api/contacts
//	GET  PUT PATCH DELETE   /api/contacts/{id}
//
// A create answers 201 with Location and the entity, an update 200 with the
// entity (or 204, see [Options]), a delete 204. Errors are application/json
// with an error in words. A GET of one entity carries an ETag; If-None-Match
// and If-Match are honoured. Updates set updated_at whether or not anything
// else changed, as most such APIs do.
package crud

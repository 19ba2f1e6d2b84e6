// Package plain is a kit for the APIs of the examples: collections of JSON
// objects in memory, with the calls that such APIs have. It knows nothing of
// webhooks. An example says what its resources are called, which fields they
// have and what may be done to them, and adds what is special about them.
//
// # Calls
//
//	GET  POST               /things
//	GET  PUT PATCH DELETE   /things/{id}
//
// A create answers 201 with Location and the entity, an update 200 with the
// entity, or 204; a delete 204. PUT replaces, PATCH is a merge patch (RFC 7396):
// what it does not name stays as it is. Errors are application/json with an
// error in words. A GET of one entity carries an ETag; If-None-Match and
// If-Match are honoured. Numbers keep the digits that they came with.
//
// Everything is done under one lock, one call after the other: what an example
// adds may read and write all collections of its API.
package plain

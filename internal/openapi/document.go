// Package openapi writes OpenAPI 3.1 documents: the parts of the specification
// that the subscription API needs, and schemas from Go types.
package openapi

import "github.com/google/jsonschema-go/jsonschema"

// Version is that of the specification.
const Version = "3.1.1"

// Document is an OpenAPI document.
type Document struct {
	OpenAPI    string                           `json:"openapi"`
	Info       Info                             `json:"info"`
	Servers    []Server                         `json:"servers,omitempty"`
	Paths      map[string]map[string]*Operation `json:"paths"`              // by path and lower-case method
	Webhooks   map[string]map[string]*Operation `json:"webhooks,omitempty"` // what is sent to who uses the API, by name and lower-case method
	Components Components                       `json:"components"`
}

// Info says what the API is.
type Info struct {
	Title       string   `json:"title"`
	Version     string   `json:"version"`
	Description string   `json:"description,omitempty"`
	License     *License `json:"license,omitempty"`
}

// License names a licence by its SPDX identifier.
type License struct {
	Name       string `json:"name"`
	Identifier string `json:"identifier"`
}

// Server is where the paths begin.
type Server struct {
	URL string `json:"url"`
}

// Operation is a method of a path.
type Operation struct {
	ID          string               `json:"operationId"`
	Summary     string               `json:"summary"`
	Description string               `json:"description,omitempty"`
	Tags        []string             `json:"tags,omitempty"`
	Parameters  []*Parameter         `json:"parameters,omitempty"`
	Body        *RequestBody         `json:"requestBody,omitempty"`
	Responses   map[string]*Response `json:"responses"` // by status
}

// Parameter is one of the path, the query or the header.
type Parameter struct {
	Name        string             `json:"name"`
	In          string             `json:"in"`
	Description string             `json:"description,omitempty"`
	Required    bool               `json:"required,omitempty"`
	Schema      *jsonschema.Schema `json:"schema"`
}

// RequestBody is what a write sends.
type RequestBody struct {
	Required bool             `json:"required,omitempty"`
	Content  map[string]Media `json:"content"`
}

// Media is a body of one content type.
type Media struct {
	Schema *jsonschema.Schema `json:"schema"`
}

// Response is an answer, or names one of the components.
type Response struct {
	Ref         string             `json:"$ref,omitempty"`
	Description string             `json:"description,omitempty"`
	Headers     map[string]*Header `json:"headers,omitempty"`
	Content     map[string]Media   `json:"content,omitempty"`
}

// Header is a header field of an answer.
type Header struct {
	Description string             `json:"description,omitempty"`
	Schema      *jsonschema.Schema `json:"schema"`
}

// Components are what the rest of the document refers to.
type Components struct {
	Schemas   map[string]*jsonschema.Schema `json:"schemas,omitempty"`
	Responses map[string]*Response          `json:"responses,omitempty"`
}

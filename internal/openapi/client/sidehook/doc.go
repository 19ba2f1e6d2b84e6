// Package sidehook is a client of the subscription API. All but this file is
// generated from the OpenAPI document of a running Sidehook: `make openapi-client`.
package sidehook

package api

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sidehook/sidehook/caddymodule/subscription"
)

// documentOf returns the document as a reader of it has it.
func documentOf(t *testing.T, who apiReader) *openapi3.T {
	t.Helper()
	doc, err := describeAPI(who)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	read, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatalf("read the document: %v", err)
	}
	return read
}

// The document is what the specification wants, and says of every route,
// parameter and field what it is.
func TestTheOpenAPIDocumentIsValid(t *testing.T) {
	for _, who := range []apiReader{forCaller, forInsecure, forOperator} {
		doc := documentOf(t, who)
		if err := doc.Validate(context.Background(), openapi3.IsOpenAPI31OrLater()); err != nil {
			t.Errorf("reader %d: %v", who, err)
		}
		for name, s := range doc.Components.Schemas {
			wantDescribed(t, name, s.Value)
		}
		ids := map[string]bool{}
		for path, item := range doc.Paths.Map() {
			for method, op := range item.Operations() {
				if op.OperationID == "" || op.Summary == "" || ids[op.OperationID] {
					t.Errorf("%s %s: id %q, summary %q", method, path, op.OperationID, op.Summary)
				}
				ids[op.OperationID] = true
				for _, p := range op.Parameters {
					if p.Value.Description == "" {
						t.Errorf("%s %s: parameter %s is not described", method, path, p.Value.Name)
					}
				}
			}
		}
	}
}

func wantDescribed(t *testing.T, place string, s *openapi3.Schema) {
	t.Helper()
	for name, p := range s.Properties {
		alternatives := p.Value.AnyOf
		described := p.Value.Description != "" || p.Ref != "" && p.Value != nil
		described = described || slices.ContainsFunc(alternatives, func(s *openapi3.SchemaRef) bool { return s.Value.Description != "" })
		if !described {
			t.Errorf("%s.%s is not described: give its field a tag jsonschema", place, name)
		}
		if p.Ref == "" {
			wantDescribed(t, place+"."+name, p.Value)
		}
	}
	if s.Items != nil && s.Items.Ref == "" {
		wantDescribed(t, place+"[]", s.Items.Value)
	}
}

// What the operator may do, and nobody else, is in the operator's document only;
// what may be given and what is shown are the settings that are taken.
func TestTheOpenAPIDocumentTellsWhoMaySetWhat(t *testing.T) {
	for _, who := range []apiReader{forCaller, forInsecure, forOperator} {
		doc := documentOf(t, who)
		given := doc.Components.Schemas["NewSubscription"].Value.Properties
		for _, name := range slices.Concat(subscription.OperatorFields, operatorOnce) {
			if want := who == forOperator || who == forInsecure && name == "insecure_skip_verify"; (given[name] != nil) != want {
				t.Errorf("reader %d: %s: %v", who, name, given[name])
			}
		}
		for _, name := range subscription.CallerFields {
			if given[name] == nil || doc.Components.Schemas["SubscriptionPatch"].Value.Properties[name] == nil ||
				doc.Components.Schemas["Subscription"].Value.Properties[name] == nil {
				t.Errorf("%s is not everywhere", name)
			}
		}
		hasDir := doc.Paths.Find("/events").Get.Parameters.GetByInAndName("query", "dir") != nil
		if hasDir != (who == forOperator) {
			t.Errorf("reader %d: parameter dir: %v", who, hasDir)
		}
	}
}

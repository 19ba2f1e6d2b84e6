// Package shopifyorders is a plain API in the style of Shopify's orders: paths
// that end in .json, an envelope, ids beyond what a float can hold, and a host
// for each shop. It has no webhooks; the Caddyfile beside it gives it Shopify's.
package shopifyorders

import (
	"net/http"
	"strings"
	"time"

	"github.com/sidehook/sidehook/examples/internal/plain"
)

// New returns an API without orders. now is its clock; nil is time.Now.
func New(now func() time.Time) http.Handler {
	api := plain.New(now)
	orders := api.Add(plain.Collection{
		Name: "order", Path: "/admin/api/{version}/orders", Envelope: "order", List: "orders", First: 820982911946154508,
		Fields: `{"id":0,"cancel_reason":null,"cancelled_at":null,"created_at":"","currency":"EUR","email":"",
			"financial_status":"pending","fulfillment_status":null,"line_items":[],"note":null,"number":0,"order_number":0,
			"shop":"","tags":"","test":false,"total_price":"0.00","updated_at":""}`,
		Created: "created_at", Updated: "updated_at",
		ReadOnly: []string{"cancelled_at", "cancel_reason", "financial_status", "fulfillment_status", "number", "order_number", "shop"},
		Preset:   func(r *http.Request, o plain.Doc) { o["shop"] = r.Host },
		Hidden:   func(r *http.Request, o plain.Doc) bool { return o["shop"] != r.Host },
	})
	orders.Action("POST", "/cancel", func(c *plain.Call) error {
		if c.Entity["cancelled_at"] != nil {
			return plain.Conflict("the order is cancelled already")
		}
		c.Entity["cancelled_at"], c.Entity["cancel_reason"] = api.Now(), "other"
		return nil
	})
	// The answers to these show what was made of the order, and not the order.
	orders.Action("POST", "/transactions", func(c *plain.Call) error {
		c.Entity["financial_status"] = "paid"
		c.Status, c.Answer = http.StatusCreated, plain.Doc{"transaction": plain.Doc{"id": plain.Number("389404469"), "kind": "capture", "status": "success"}}
		return nil
	})
	orders.Action("POST", "/fulfillments", func(c *plain.Call) error {
		c.Entity["fulfillment_status"] = "fulfilled"
		if items, some := c.Body["line_items"].([]any); some && len(items) < len(c.Entity["line_items"].([]any)) {
			c.Entity["fulfillment_status"] = "partial"
		}
		c.Status, c.Answer = http.StatusCreated, plain.Doc{"fulfillment": plain.Doc{"id": plain.Number("255858046"), "status": "success"}}
		return nil
	})
	return withoutSuffix(api)
}

// withoutSuffix serves /orders/1.json as /orders/1.
func withoutSuffix(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.TrimSuffix(r.URL.Path, ".json")
		api.ServeHTTP(w, r)
	})
}

// Package stripebilling is a plain API in the style of Stripe's billing:
// customers and their discounts, invoices and what stands in them. Calls send
// forms, updates are POSTs, a delete answers with a receipt, and a payment that
// is declined answers 402 and is counted all the same. It has no webhooks; the
// Caddyfile beside it gives it Stripe's.
package stripebilling

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sidehook/sidehook/examples/internal/plain"
)

// fresh is what a new object of each kind looks like.
var fresh = map[string]string{
	"customer": `{"id":"","object":"customer","address":null,"balance":0,"created":0,"currency":null,"default_source":null,
		"delinquent":false,"description":null,"discount":null,"email":null,"invoice_prefix":null,
		"invoice_settings":{"custom_fields":null,"default_payment_method":null,"footer":null},"livemode":false,"metadata":{},
		"name":null,"next_invoice_sequence":1,"phone":null,"preferred_locales":[],"shipping":null,"tax_exempt":"none","test_clock":null}`,
	"invoice": `{"id":"","object":"invoice","amount_due":0,"amount_paid":0,"amount_remaining":0,"attempt_count":0,"attempted":false,
		"collection_method":"charge_automatically","created":0,"currency":"usd","customer":null,"description":null,"due_date":null,
		"lines":{"object":"list","data":[],"has_more":false,"url":""},"livemode":false,"metadata":{},"number":null,"paid":false,
		"status":"draft","status_transitions":{"finalized_at":null,"marked_uncollectible_at":null,"paid_at":null,"voided_at":null},
		"subtotal":0,"total":0}`,
	"invoiceitem": `{"id":"","object":"invoiceitem","amount":0,"currency":"usd","customer":null,"date":0,"description":null,
		"invoice":null,"livemode":false,"metadata":{},"quantity":1}`,
}

// prefixes are what ids begin with.
var prefixes = map[string]string{"customer": "cus_", "invoice": "in_", "invoiceitem": "ii_", "discount": "di_"}

// api keeps all objects by their ids, as Stripe's are unique.
type api struct {
	now func() time.Time
	mux *http.ServeMux

	mu      sync.Mutex
	objects map[string]plain.Doc
	made    int                // how many ids were given
	asked   int                // how many calls there were
	answers map[string]*answer // by Idempotency-Key
}

// New returns an API without objects. now is its clock; nil is time.Now.
func New(now func() time.Time) http.Handler {
	if now == nil {
		now = time.Now
	}
	a := &api{now: now, mux: http.NewServeMux(), objects: map[string]plain.Doc{}, answers: map[string]*answer{}}
	a.on("POST /v1/customers", a.createCustomer)
	a.on("POST /v1/invoices", func(c *call) (plain.Doc, error) { return a.create(c, "invoice") })
	a.on("POST /v1/invoiceitems", a.createItem)
	for kind, path := range map[string]string{"customer": "/v1/customers", "invoice": "/v1/invoices", "invoiceitem": "/v1/invoiceitems"} {
		a.on("GET "+path, func(*call) (plain.Doc, error) { return a.list(kind, path), nil })
		a.on("GET "+path+"/{id}", func(c *call) (plain.Doc, error) { return a.find(c, kind) })
	}
	a.on("POST /v1/customers/{id}", a.updateCustomer)
	a.on("DELETE /v1/customers/{id}", func(c *call) (plain.Doc, error) { return a.delete(c, "customer") })
	a.on("DELETE /v1/customers/{id}/discount", a.deleteDiscount)
	a.on("DELETE /v1/invoiceitems/{id}", a.deleteItem)
	a.on("POST /v1/invoices/{id}", a.updateInvoice)
	a.on("DELETE /v1/invoices/{id}", a.deleteInvoice)
	for action := range actions {
		a.on("POST /v1/invoices/{id}/"+action, func(c *call) (plain.Doc, error) { return a.act(c, action) })
	}
	a.mux.HandleFunc("GET /v1/account", account)
	return a
}

// ServeHTTP implements [http.Handler].
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// create makes an object of a kind, as the call's form says.
func (a *api) create(c *call, kind string) (plain.Doc, error) {
	doc := parse(fresh[kind])
	if err := merge(doc, c.form); err != nil {
		return nil, err
	}
	if customer, ok := doc["customer"]; ok && a.objects[text(customer)]["object"] != "customer" {
		return nil, refuse(http.StatusBadRequest, "No such customer: '%s'", text(customer))
	}
	doc["id"] = a.newID(kind)
	if kind == "invoiceitem" {
		doc["date"] = a.seconds()
	} else {
		doc["created"] = a.seconds()
	}
	a.objects[text(doc["id"])] = doc
	return doc, nil
}

// find returns the object that the call's path names. Of a deleted one a stub is
// left, that only a GET shows.
func (a *api) find(c *call, kind string) (plain.Doc, error) {
	doc := a.objects[c.PathValue("id")]
	if doc["object"] != kind || doc["deleted"] == true && c.Method != http.MethodGet {
		return nil, refuse(http.StatusNotFound, "No such %s: '%s'", kind, c.PathValue("id"))
	}
	return doc, nil
}

// delete leaves the stub that is the answer, too.
func (a *api) delete(c *call, kind string) (plain.Doc, error) {
	doc, err := a.find(c, kind)
	if err != nil {
		return nil, err
	}
	stub := plain.Doc{"id": doc["id"], "object": kind, "deleted": true}
	a.objects[text(doc["id"])] = stub
	return stub, nil
}

func (a *api) list(kind, path string) plain.Doc {
	data := []any{}
	for _, doc := range a.objects {
		if doc["object"] == kind && doc["deleted"] != true {
			data = append(data, doc)
		}
	}
	slices.SortFunc(data, func(x, y any) int {
		return strings.Compare(text(y.(plain.Doc)["id"]), text(x.(plain.Doc)["id"]))
	})
	return plain.Doc{"object": "list", "url": path, "has_more": false, "data": data}
}

func (a *api) newID(kind string) string {
	a.made++
	return fmt.Sprintf("%s%014d", prefixes[kind], a.made)
}

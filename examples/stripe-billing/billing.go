package stripebilling

import (
	"net/http"

	"github.com/sidehook/sidehook/examples/internal/plain"
)

// createCustomer and updateCustomer know a coupon, which becomes a discount.
func (a *api) createCustomer(c *call) (plain.Doc, error) {
	coupon := c.take("coupon")
	doc, err := a.create(c, "customer")
	if err == nil {
		a.discount(doc, coupon)
	}
	return doc, err
}

func (a *api) updateCustomer(c *call) (plain.Doc, error) {
	doc, err := a.find(c, "customer")
	if err != nil {
		return nil, err
	}
	coupon := c.take("coupon")
	if err := merge(doc, c.form); err != nil {
		return nil, err
	}
	a.discount(doc, coupon)
	return doc, nil
}

func (a *api) discount(customer plain.Doc, coupon string) {
	if coupon == "" {
		return
	}
	customer["discount"] = plain.Doc{"id": a.newID("discount"), "object": "discount", "customer": customer["id"],
		"coupon": plain.Doc{"id": coupon, "object": "coupon", "percent_off": plain.Number("25")}, "start": a.seconds(), "end": nil}
}

// deleteDiscount answers with a receipt.
func (a *api) deleteDiscount(c *call) (plain.Doc, error) {
	doc, err := a.find(c, "customer")
	if err != nil {
		return nil, err
	}
	was, ok := doc["discount"].(plain.Doc)
	if !ok {
		return nil, refuse(http.StatusNotFound, "No active discount for customer: %s", text(doc["id"]))
	}
	doc["discount"] = nil
	return plain.Doc{"object": "discount", "id": was["id"], "customer": doc["id"], "deleted": true}, nil
}

// createItem adds what it costs to its invoice, and deleteItem takes it away.
func (a *api) createItem(c *call) (plain.Doc, error) {
	invoice := a.objects[text(c.form["invoice"])]
	if invoice["status"] != "draft" {
		return nil, refuse(http.StatusBadRequest, "The invoice '%s' can no longer be changed.", text(c.form["invoice"]))
	}
	item, err := a.create(c, "invoiceitem")
	if err == nil {
		a.add(invoice, number(item["amount"]))
	}
	return item, err
}

func (a *api) deleteItem(c *call) (plain.Doc, error) {
	item, err := a.find(c, "invoiceitem")
	if err != nil {
		return nil, err
	}
	a.add(a.objects[text(item["invoice"])], -number(item["amount"]))
	return a.delete(c, "invoiceitem")
}

func (a *api) add(invoice plain.Doc, amount int64) {
	total := digits(number(invoice["total"]) + amount)
	invoice["subtotal"], invoice["total"], invoice["amount_due"], invoice["amount_remaining"] = total, total, total, total
}

func (a *api) updateInvoice(c *call) (plain.Doc, error) {
	doc, err := a.find(c, "invoice")
	if err != nil {
		return nil, err
	}
	return doc, merge(doc, c.form)
}

func (a *api) deleteInvoice(c *call) (plain.Doc, error) {
	doc, err := a.find(c, "invoice")
	if err == nil && doc["status"] != "draft" {
		err = refuse(http.StatusBadRequest, "You can only delete draft invoices.")
	}
	if err != nil {
		return nil, err
	}
	return a.delete(c, "invoice")
}

// actions say what an action makes of an invoice, from which status.
var actions = map[string]struct {
	from   []string
	status string // "" leaves it
	time   string // of status_transitions
}{
	"finalize":           {[]string{"draft"}, "open", "finalized_at"},
	"pay":                {[]string{"open", "uncollectible"}, "paid", "paid_at"},
	"send":               {[]string{"open"}, "", ""},
	"void":               {[]string{"open", "uncollectible"}, "void", "voided_at"},
	"mark_uncollectible": {[]string{"open"}, "uncollectible", "marked_uncollectible_at"},
}

func (a *api) act(c *call, name string) (plain.Doc, error) {
	doc, err := a.find(c, "invoice")
	if err != nil {
		return nil, err
	}
	does := actions[name]
	if !contains(does.from, doc["status"]) {
		return nil, refuse(http.StatusBadRequest, "The invoice is %s.", text(doc["status"]))
	}
	if name == "pay" {
		doc["attempted"], doc["attempt_count"] = true, digits(number(doc["attempt_count"])+1)
		if text(c.form["source"]) == "tok_chargeDeclined" {
			return nil, &refusal{http.StatusPaymentRequired, "card_error", "Your card was declined."}
		}
		doc["paid"], doc["amount_paid"], doc["amount_remaining"] = true, doc["amount_due"], digits(0)
	}
	if name == "finalize" {
		doc["number"] = "985BA9CB-0001"
	}
	if does.status != "" {
		doc["status"] = does.status
		doc["status_transitions"].(plain.Doc)[does.time] = a.seconds()
	}
	return doc, nil
}

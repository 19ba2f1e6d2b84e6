package e2e

import (
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// A patch changes what it names, and no digit of what it does not.
func TestAPatchLeavesNumbersAsTheyAre(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	p := start(t, withAPI("", perSpace, api.URL))
	ann := p.user("ann", "acme")
	id := ann.do("POST", "/subscriptions", subscription(receive(t, nil), `, "options": {"account": 12345678901234567890, "price": 15000.00}`)).want(201).text("id")
	got := ann.do("PATCH", "/subscriptions/"+id, `{"options": {"more": 1.10}}`).want(200)
	for _, want := range []string{`"account":12345678901234567890`, `"price":15000.00`, `"more":1.10`} {
		if !strings.Contains(got.raw, want) {
			t.Errorf("%s is gone: %s", want, got.raw)
		}
	}
}

// What packs answers adds the encoding to their ETag: a caller who sends that back
// means the same version.
func TestAnETagIsKnownBehindEncode(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	p := start(t, strings.Replace(withAPI("", perSpace, api.URL), "handle_path", "encode gzip\n\thandle_path", 1))
	ann := p.user("ann", "acme")
	options := `, "options": {"long": "` + strings.Repeat("x", 600) + `"}`
	path := "/subscriptions/" + ann.do("POST", "/subscriptions", subscription(receive(t, nil), options)).want(201).text("id")
	read := ann.do("GET", path, "").want(200) // the client asks for gzip, and unpacks
	tag := read.header.Get("ETag")
	if !strings.HasSuffix(tag, `-gzip"`) {
		t.Fatalf("ETag %s: this test is of one that encode has changed", tag)
	}
	for _, wrong := range []string{strings.Replace(tag, `"1-`, `"2-`, 1), strings.TrimSuffix(tag, `gzip"`) + `"`, tag + `x"`} {
		ann.do("PATCH", path, `{"filter": "true"}`, "If-Match", wrong).want(412)
	}
	ann.do("PATCH", path, `{"filter": "true"}`, "If-Match", tag).want(200)
	ann.do("PATCH", path, `{"filter": null}`, "If-Match", tag).want(412)
}

// A weak tag matches nothing in If-Match (RFC 9110, 13.1.1), though it names the
// version there is: then the answer says what to send in its place.
func TestAWeakETagInIfMatchIsToldApart(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	p := start(t, withAPI("", perSpace, api.URL))
	ann := p.user("ann", "acme")
	made := ann.do("POST", "/subscriptions", subscription(receive(t, nil), "")).want(201)
	path, tag := "/subscriptions/"+made.text("id"), made.header.Get("ETag")
	for _, weak := range []string{"W/" + tag, `"other", W/` + tag, "W/" + strings.TrimSuffix(tag, `"`) + `-gzip"`} {
		if a := ann.do("PATCH", path, `{"filter": "true"}`, "If-Match", weak).want(412); !strings.Contains(a.text("detail"), "send "+tag) || !strings.Contains(a.raw, "weak") {
			t.Errorf("%s: %s", weak, a.raw)
		}
	}
	if a := ann.do("PATCH", path, `{"filter": "true"}`, "If-Match", `W/"other"`).want(412); strings.Contains(a.raw, "weak") {
		t.Errorf("another version: %s", a.raw)
	}
	ann.do("PATCH", path, `{"filter": "true"}`, "If-Match", "W/"+tag+", "+tag).want(200)
}

// A cursor leads on in the list that gave it. In another it would begin anywhere,
// and pages would be missing.
func TestACursorIsOfItsList(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	p := start(t, withAPI("", perSpace, api.URL))
	ann, r := p.user("ann", "acme"), receive(t, nil)
	ann.do("POST", "/subscriptions", subscription(r, "")).want(201)
	ann.do("POST", "/subscriptions", subscription(r, "")).want(201)
	next := ann.do("GET", "/subscriptions?limit=1", "").want(200).text("next")
	if n := len(ann.do("GET", "/subscriptions?limit=1&cursor="+next, "").want(200).data()); n != 1 {
		t.Fatalf("%d on the second page", n)
	}
	for _, list := range []string{"/events", "/deliveries", "/event_types", "/replays"} {
		if a := ann.do("GET", list+"?cursor="+next, "").want(400); !strings.Contains(a.raw, "of the same list") {
			t.Errorf("%s: %s", list, a.raw)
		}
	}
}

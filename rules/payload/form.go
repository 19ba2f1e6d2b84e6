package payload

import (
	"errors"
	"net/url"
	"strconv"

	"github.com/tidwall/gjson"
)

// maxFormDepth bounds names: a name repeats the names above it, so deep nesting
// would make a small document a huge form.
const maxFormDepth = 32

// appendForm appends a JSON object as application/x-www-form-urlencoded, in its
// own order: a[b]=c for objects in objects, a[]=c for the values of arrays and
// a[0][b]=c for objects in them. null is the empty value, empty objects and
// arrays are left out. Below 32 levels a value is its JSON.
func appendForm(dst []byte, body []byte) ([]byte, error) {
	doc := gjson.ParseBytes(body)
	if !doc.IsObject() {
		return nil, errors.New("content_type form wants a payload that is an object")
	}
	doc.ForEach(func(key, value gjson.Result) bool {
		dst = appendFormValue(dst, url.QueryEscape(key.String()), value, 1)
		return true
	})
	return dst, nil
}

func appendFormValue(dst []byte, name string, v gjson.Result, depth int) []byte {
	switch {
	case depth > maxFormDepth:
	case v.IsObject():
		v.ForEach(func(key, member gjson.Result) bool {
			dst = appendFormValue(dst, name+"%5B"+url.QueryEscape(key.String())+"%5D", member, depth+1)
			return true
		})
		return dst
	case v.IsArray():
		i := 0
		v.ForEach(func(_, element gjson.Result) bool {
			index := ""
			if element.IsObject() || element.IsArray() {
				index = strconv.Itoa(i)
			}
			dst = appendFormValue(dst, name+"%5B"+index+"%5D", element, depth+1)
			i++
			return true
		})
		return dst
	}
	if len(dst) > 0 {
		dst = append(dst, '&')
	}
	dst = append(append(dst, name...), '=')
	return append(dst, url.QueryEscape(rawText([]byte(v.Raw)))...)
}

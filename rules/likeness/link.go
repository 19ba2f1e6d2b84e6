package likeness

import (
	"bytes"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
)

// SameLink reports whether two links lead to one thing, and differ only by what
// signs them or says how long they are good for: those are new at each look.
func SameLink(a, b *tree.Value) bool {
	if a == nil || b == nil || a.Kind != tree.String || b.Kind != tree.String || bytes.IndexByte(a.Shared(), '?') < 0 {
		return false
	}
	x, y := plainText(a), plainText(b)
	to, query, signed := strings.Cut(x, "?")
	other, otherQuery, otherSigned := strings.Cut(y, "?")
	if !signed || !otherSigned || to != other || !strings.Contains(to, "/") {
		return false
	}
	p, err1 := url.ParseQuery(query)
	q, err2 := url.ParseQuery(otherQuery)
	if err1 != nil || err2 != nil || !isSigned(p) || !isSigned(q) {
		return false
	}
	strip := func(name string, _ []string) bool { return signing[strings.ToLower(name)] || signingPrefix(name) }
	maps.DeleteFunc(p, strip)
	maps.DeleteFunc(q, strip)
	return maps.EqualFunc(p, q, slices.Equal)
}

// isSigned reports whether a query has a signature or a token in it.
func isSigned(q url.Values) bool {
	for name := range q {
		switch PlainName(name) {
		case "signature", "sig", "token", "accesstoken", "hmac", "hash", "xamzsignature", "xgoogsignature", "xosssignature", "xcossignature", "jwt":
			return true
		}
	}
	return false
}

func signingPrefix(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "x-amz-") || strings.HasPrefix(name, "x-goog-") || strings.HasPrefix(name, "x-oss-")
}

// signing are parameters that sign a link, or say how long it is good for, in
// lower case. Those of Azure's signatures are of two letters.
var signing = map[string]bool{
	"signature": true, "sig": true, "token": true, "access_token": true, "hmac": true, "hash": true, "jwt": true,
	"expires": true, "expiry": true, "expiration": true, "exp": true, "ts": true, "timestamp": true, "nonce": true,
	"policy": true, "key-pair-id": true, "awsaccesskeyid": true, "googleaccessid": true, "ossaccesskeyid": true,
	"se": true, "st": true, "sp": true, "sv": true, "sr": true, "spr": true, "sip": true, "ske": true, "skt": true, "sks": true, "skv": true, "skoid": true, "sktid": true,
}

// OfTheCall are fields beside an entity that say something of the call, and are
// new with each, in lower case and without separators.
var OfTheCall = map[string]bool{
	"requestid": true, "reqid": true, "traceid": true, "correlationid": true, "csrftoken": true, "csrf": true, "xsrftoken": true,
	"authenticitytoken": true, "took": true, "servertime": true, "generatedat": true, "retrievedat": true, "fetchedat": true,
}

package webhook

import "net/url"

// OriginOf returns scheme and host of a URL, and that more may follow: what does
// often is a secret. Of what is no URL with a host it returns "".
func OriginOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host + "/…"
}

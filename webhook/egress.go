package webhook

// Egress is how receivers are reached, where that is not straight over the
// Internet.
type Egress struct {
	// Proxy is the URL of the HTTP proxy through which all goes; an empty one is
	// none. A password in it is for that proxy.
	Proxy Secret

	Resolvers []string // addresses and ports of the DNS servers that are asked; none: the system's
	TrustedCA []byte   // certificates (PEM) of authorities that are trusted beside the system's

	// Certificate and Key (PEM) are what receivers are shown that ask who we are.
	Certificate []byte
	Key         Secret
}

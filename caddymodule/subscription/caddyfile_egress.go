package subscription

import (
	"github.com/sidehook/sidehook/caddymodule/directive"
)

// EgressOptions are the words of the block of egress.
var EgressOptions = directive.Options[*Egress]{
	"proxy":              {Usage: "proxy http://proxy.internal:3128", Parse: func(l *directive.Line, e *Egress) error { return l.Checked(&e.Proxy, checkProxy) }},
	"resolvers":          {Usage: "resolvers 10.0.0.53 10.0.0.54:53", Parse: func(l *directive.Line, e *Egress) error { return l.CheckedList(&e.Resolvers, checkResolver) }},
	"trusted_ca":         {Usage: "trusted_ca /etc/ssl/company.pem", Parse: func(l *directive.Line, e *Egress) error { return l.List(&e.TrustedCA) }, Many: true},
	"client_certificate": {Usage: "client_certificate /etc/ssl/client.pem /etc/ssl/client.key", Parse: parseClientCertificate},
}

// ParseEgress reads
//
//	egress {
//		…
//	}
func ParseEgress(l *directive.Line, to **Egress, where string) error {
	if args := l.Args(); len(args) > 0 {
		return args[0].Errf("unexpected %q: egress has only a block: write its options there, like proxy http://proxy.internal:3128", args[0].Text)
	}
	if len(l.Block) == 0 {
		return l.Errf("egress says nothing: write proxy, resolvers, trusted_ca or client_certificate in its block")
	}
	*to = new(Egress)
	return EgressOptions.Parse(l.Block, *to, "egress "+where)
}

func parseClientCertificate(l *directive.Line, e *Egress) error {
	args, err := l.Take(2, 2)
	if err != nil {
		return err
	}
	e.ClientCertificate = &ClientCertificate{Certificate: args[0].Text, Key: args[1].Text}
	return nil
}

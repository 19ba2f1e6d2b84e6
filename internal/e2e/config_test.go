package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// crudAPI starts the API that knows nothing of webhooks.
func crudAPI(t *testing.T, o crud.Options) *httptest.Server {
	t.Helper()
	return serve(t, crud.New(o))
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// caddyfile returns a configuration: the lines of the global option's block
// that stand beside the store, those of the handler's block, and the API.
func caddyfile(global, handler, api string) string {
	return fmt.Sprintf(`{
	admin {ADMIN}
	grace_period 1s
	sidehook {
		store badger {DATA}
%s
	}
}
{SITE} {
	sidehook {
%s
	}
	reverse_proxy %s
}
`, global, handler, api)
}

// subscribe returns a subscription to a receiver, with further lines.
func subscribe(name string, r *receiver, lines string) string {
	return fmt.Sprintf(`
		subscription %s %s {
			secret %s
			%s
		}`, name, r.URL, secret, lines)
}

// projects is the smallest handler's block.
const projects = `
		resource project /api/projects`

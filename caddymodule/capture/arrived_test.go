package capture_test

import (
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

// A call without a body that names a key may have been sent twice, the first time over
// a connection that was dead: whether it arrived is not known.
func TestARepeatableCallMayHaveArrived(t *testing.T) {
	dead := api(t, nil)
	dead.Close()
	for key, want := range map[string]webhook.Ending{"": webhook.Rejected, "Idempotency-Key": webhook.Unknown, "X-Idempotency-Key": webhook.Unknown} {
		l := newLine(t)
		r := request(t, "DELETE", serve(t, []object{probe(t, l), proxy(dead)})[0], "/things/1", nil)
		if key != "" {
			r.Header.Set(key, "k")
		}
		ask(t, client(t, http1), r)
		if x := l.only(t); x.Ending != want {
			t.Errorf("with %q: %v, want %v", key, x.Ending, want)
		}
	}
}

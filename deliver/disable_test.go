package deliver_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// A receiver that takes nothing for five days is warned of twice and then
// disabled, however many deliveries wait; what it is owed stays owed, and goes
// when it is released. The twin in internal/e2e is TestFailingIsTold.
func TestDisabledAfterDaysOfFailures(t *testing.T) {
	for _, owed := range []int{1, 500} {
		t.Run(fmt.Sprint(owed, " at a time"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := delivertest.NewReceiver(t, 500)
				s := subscribe("crm", "https://crm/")
				s.DisableAfter = webhook.DefaultDisableAfter
				b := start(t, deliver.Options{Transport: r}, s)
				begin := time.Now()
				var seen []string
				for hour := range 24 * 7 {
					if hour%24 == 0 {
						for i := range owed {
							b.q.Owe("crm", event(1000*hour+i), "")
						}
					}
					time.Sleep(time.Hour)
					st := b.States()[0]
					if now := fmt.Sprint(st.Warned, " ", st.Status, " ", st.Reason); len(seen) == 0 || seen[len(seen)-1] != now {
						seen = append(seen, now)
					}
					if st.Status != webhook.Active && st.Since.Sub(begin) < webhook.DefaultDisableAfter {
						t.Fatalf("disabled after %v", st.Since.Sub(begin))
					}
				}
				if want := "[0 active  1 active  2 active  2 disabled failing]"; fmt.Sprint(seen) != want {
					t.Errorf("it went through %q, want %s", seen, want)
				}
				made := len(r.Requests())
				time.Sleep(48 * time.Hour)
				if n := len(r.Requests()); n != made {
					t.Errorf("%d requests were made though it is disabled", n-made)
				}
				if kept := b.q.State("crm"); kept.Status != webhook.Disabled || kept.Warned != 2 || kept.FailingSince.IsZero() {
					t.Errorf("kept is %+v", kept)
				}
			})
		})
	}
}

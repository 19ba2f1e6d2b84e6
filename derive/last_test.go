package derive_test

import (
	"context"
	"testing"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/webhook"
)

// A bulk that ended before a call on one of its entities does not become the last
// on it by being looked at later: the GET after that call still counts for it.
func TestABulkThatEndedEarlierIsNotTheLast(t *testing.T) {
	tr := derive.NewTraffic()
	defer tr.Close()
	now := time.Now()
	bulk, id1, id2 := tr.EnterUnnamed(project5), webhook.NewExchangeID(now), webhook.NewExchangeID(now)
	bulk.Leave(id1, now)
	one := tr.Enter(t.Context(), projectKey("1"), 0)
	one.Leave(id2, now.Add(time.Millisecond))
	bulk.ObserveEach([]derive.Part{{Key: projectKey("1")}, {Key: projectKey("2")}})
	one.Observe(projectKey("1"), func(context.Context) *webhook.Observation { return &webhook.Observation{Status: 200} })
	if seen, _, _ := tr.Wait(t.Context(), id2); seen == nil {
		t.Error("the GET after the call that ended last tells nothing")
	}
}

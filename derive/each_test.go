package derive_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// partsOf returns the parts of a call on the projects of those ids, whose GETs
// ask counts.
func partsOf(ask func(id string), ids ...string) (parts []derive.Part) {
	for _, id := range ids {
		parts = append(parts, derive.Part{Key: projectKey(id), Fetch: func(context.Context) *webhook.Observation {
			ask(id)
			return &webhook.Observation{Status: 200, Body: webhook.Body{Bytes: []byte(id)}}
		}})
	}
	return parts
}

func projectKey(id string) webhook.EntityKey {
	return webhook.EntityKey{API: rules.DefaultAPI, Resource: "project", ID: id}
}

// A GET that was on its way when a bulk changed its entity does not count: it may
// show what the bulk did. Nor does one of a bulk that a call overtook.
func TestABulkIsLastOnAllItsEntities(t *testing.T) {
	tr := derive.NewTraffic()
	defer tr.Close()
	asked, answer := make(chan struct{}), make(chan struct{})
	first, bulk, id1, id2 := tr.Enter(t.Context(), projectKey("1"), 0), tr.EnterUnnamed(project5), webhook.NewExchangeID(time.Now()), webhook.NewExchangeID(time.Now())
	first.Leave(id1, time.Now())
	first.Observe(projectKey("1"), func(context.Context) *webhook.Observation {
		close(asked)
		<-answer
		return &webhook.Observation{Status: 200}
	})
	<-asked
	bulk.Leave(id2, time.Now())
	var mu sync.Mutex
	gets := map[string]int{}
	bulk.ObserveEach(partsOf(func(id string) {
		mu.Lock()
		defer mu.Unlock()
		gets[id]++
	}, "1", "2", "2", "3"))
	close(answer)
	seen, concurrent, _ := tr.Wait(t.Context(), id1)
	if seen != nil || !concurrent {
		t.Errorf("the GET of the call before counts (%v), concurrent: %v", seen, concurrent)
	}
	if tr.Wait(t.Context(), id2); gets["1"] != 1 || gets["2"] != 1 || gets["3"] != 1 {
		t.Errorf("GETs of the bulk: %v, want one each", gets)
	}
	if !tr.Busy(projectKey("3")) {
		t.Error("entity 3 is forgotten before its exchange is recorded")
	}
	tr.Forget(id1)
	tr.Forget(id2)
	for _, id := range []string{"1", "2", "3"} {
		if tr.Busy(projectKey(id)) {
			t.Errorf("entity %s is remembered for good", id)
		}
	}
}

// A bulk whose answer tells of an entity lets no GET of the call before count.
func TestABulkThatNeedsNoGetIsAnOverlapToo(t *testing.T) {
	tr := derive.NewTraffic()
	defer tr.Close()
	asked, answer, id := make(chan struct{}), make(chan struct{}), webhook.NewExchangeID(time.Now())
	first, bulk := tr.Enter(t.Context(), projectKey("1"), 0), tr.EnterUnnamed(project5)
	first.Leave(id, time.Now())
	first.Observe(projectKey("1"), func(context.Context) *webhook.Observation {
		close(asked)
		<-answer
		return &webhook.Observation{Status: 200}
	})
	<-asked
	bulk.Leave(webhook.NewExchangeID(time.Now()), time.Now())
	bulk.ObserveEach([]derive.Part{{Key: projectKey("1")}, {Key: projectKey("2")}})
	close(answer)
	if seen, _, _ := tr.Wait(t.Context(), id); seen != nil {
		t.Error("a GET counts that may show what the bulk did")
	}
}

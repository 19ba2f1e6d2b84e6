package audience_test

import (
	"strings"
	"testing"

	"github.com/sidehook/sidehook/rules/audience"
	"github.com/sidehook/sidehook/webhook"
)

// Who wonders why no gap came with ** is told.
func TestAJudgementSaysThatWildcardsLeaveGapsOut(t *testing.T) {
	subs, err := audience.New([]*webhook.Subscription{{ID: "crm", Tenant: webhook.AnyTenant, Scopes: []webhook.Pattern{"**"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := subs.Judge(&webhook.Event{Scope: "project.gap", Gap: &webhook.Gap{}})[0]
	if got.Wanted || !strings.Contains(got.Why, "wildcards leave gaps out, so write project.gap") {
		t.Errorf("got %+v", got)
	}
}

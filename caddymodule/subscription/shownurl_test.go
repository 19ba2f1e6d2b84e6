package subscription_test

import (
	"strings"
	"testing"

	"github.com/sidehook/sidehook/caddymodule/subscription"
)

// A mistake in a URL that comes from the environment is told without what is
// there.
func TestAWrongURLOfTheEnvironmentIsNotShown(t *testing.T) {
	for _, value := range []string{"ftp://crm/?s3cret", "https://:9/s3cret", "https://me:s3cret@crm/", "https://crm/#s3cret", "https://crm:s3cret/", "https://crm:99999/s3cret", "s3cret"} {
		t.Setenv("CRM_URL", value)
		s := &subscription.Subscription{Name: "crm", URL: "{env.CRM_URL}", Scopes: []string{"**"}, Sign: &subscription.Sign{Scheme: "none"}}
		_, err := s.Build(subscription.Common{})
		if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "{env.CRM_URL}") {
			t.Errorf("%s: %v", value, err)
		}
	}
}

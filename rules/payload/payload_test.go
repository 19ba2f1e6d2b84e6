package payload_test

import "github.com/sidehook/sidehook/rules/audience/audiencetest"

var (
	subscription = audiencetest.Subscription
	updated      = audiencetest.Updated
	subscribers  = audiencetest.New
)

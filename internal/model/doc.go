// Package model is an API that keeps its own account of what changed, the random
// calls that are made of it, and a judge who compares events with that account.
// The property tests are made of it: rules' own, which derives without a network,
// and that of internal/e2e, where Sidehook stands in front of the API.
//
// What makes an API hard to see through is chosen at random for each sequence of
// calls ([Style]) and for each call ([Step]).
package model

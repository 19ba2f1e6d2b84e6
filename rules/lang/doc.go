// Package lang is the language of rules: paths, values and expressions. It is
// pure: no I/O, no clock, no randomness; the same arguments always give the
// same result.
//
// # Values
//
// A value is nil, bool, string, int64, float64, []any or map[string]any, as
// [Decode] makes them. Integers beyond int64 are strings of their digits. A
// value whose content is not known is [Unknown]; what is worked out from it is
// Unknown too, unless it comes out the same whatever the unknown is.
//
// # Guarantees
//
// An expression never fails on the data that it meets: reading a field of null
// gives null, comparing things of different types is false, arithmetic with
// what is not a number gives null. It reads each name at most once, and only
// the names in its text. One evaluation is bounded in time and memory; beyond
// the bound it ends with an error.
//
// # Not guaranteed
//
// Arithmetic beyond int64 is done in float64, and is as exact as that.
package lang

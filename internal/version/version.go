// Package version says which Sidehook this is.
package version

// Number is the version of Sidehook, as user agents show it.
const Number = "0.1.0"

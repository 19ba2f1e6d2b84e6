// Package imports holds the import table of the architecture as a test: which
// of our packages may import which, and what each must never reach, with the
// reason. The sentence is exchange → journal → derive → events → store →
// deliver → subscriber; an import against its direction fails here.
package imports

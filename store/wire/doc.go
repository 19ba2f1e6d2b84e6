// Package wire encodes what is kept on disk. Encodings are fields as Protocol
// Buffers write them (number, wire type, value): a reader skips numbers that it
// does not know, so a format grows by new numbers, and a number is never given
// a second meaning.
//
// # Guarantees
//
// What an Append function wrote, the Decode function of the same name returns
// equal, except that times come back in UTC and empty maps as nil. Decoding
// hostile bytes returns an error; it never panics, and allocates no more than a
// small multiple of its input.
//
// # Not guaranteed
//
// The same value need not be encoded to the same bytes: maps are written in no
// particular order.
package wire

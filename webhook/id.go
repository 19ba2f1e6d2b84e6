package webhook

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"time"
)

// ExchangeID names one exchange. It begins with the capture time (48 bits of
// Unix milliseconds, as in a UUIDv7), so ids sort roughly by time; nothing
// relies on that order.
type ExchangeID [16]byte

// EventID is "evt_" and 39 characters; see [NewEventID].
type EventID string

// DeliveryID is "dlv_" and 39 characters; see [NewDeliveryID].
type DeliveryID string

// ConfigID names a handler configuration by its content.
type ConfigID [16]byte

// SubscriptionID is the name of a subscription of the configuration, or the
// id of one made through the API ("sub_" and 26 characters).
type SubscriptionID string

// idText is Crockford-like: lower case, no padding, sorts as the bytes do.
var idText = base32.NewEncoding(idAlphabet).WithPadding(base32.NoPadding)

const idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

const exchangePrefix = "exc_"

// NewExchangeID returns a fresh id for an exchange seen at now.
func NewExchangeID(now time.Time) ExchangeID {
	var id ExchangeID
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16)
	rand.Read(id[6:])
	return id
}

// String returns "exc_" and 26 characters.
func (id ExchangeID) String() string { return exchangePrefix + idText.EncodeToString(id[:]) }

// Time returns the capture time, to the millisecond.
func (id ExchangeID) Time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16)).UTC()
}

// IsZero reports whether id names no exchange.
func (id ExchangeID) IsZero() bool { return id == ExchangeID{} }

// MarshalText implements [encoding.TextMarshaler].
func (id ExchangeID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *ExchangeID) UnmarshalText(text []byte) error {
	got, err := ParseExchangeID(string(text))
	*id = got
	return err
}

// ParseExchangeID reads what [ExchangeID.String] wrote.
func ParseExchangeID(s string) (ExchangeID, error) {
	var id ExchangeID
	if len(s) != len(exchangePrefix)+26 || s[:len(exchangePrefix)] != exchangePrefix {
		return id, fmt.Errorf("exchange id %q: want exc_ and 26 characters", s)
	}
	raw, err := idText.DecodeString(s[len(exchangePrefix):])
	if err != nil || len(raw) != len(id) {
		return id, fmt.Errorf("exchange id %q: not one of ours", s)
	}
	return ExchangeID(raw), nil
}

// NewConfigID returns the id of a configuration given as canonical JSON.
func NewConfigID(config []byte) ConfigID {
	sum := sha256.Sum256(config)
	return ConfigID(sum[:16])
}

// String returns 26 characters.
func (id ConfigID) String() string { return idText.EncodeToString(id[:]) }

// NewEventID derives the id of the event of scope that key earned in exchange
// x. element tells apart events of one scope and entity: the id or key of an
// element of `each` or of a bulk, else its index; empty where there is none.
// The same arguments always give the same id, so deriving an exchange again
// can never make a second one. The id begins with x, so ids sort as exchanges
// do; [EventID.Exchange] gets it back.
func NewEventID(x ExchangeID, key EntityKey, scope, element string) EventID {
	tail := hashParts(key.API, key.Tenant, key.Resource, key.ID, scope, element)
	return JoinEventID(x, [8]byte(tail))
}

// JoinEventID returns the id that [EventID.Exchange] takes apart into x and tail.
func JoinEventID(x ExchangeID, tail [8]byte) EventID {
	return EventID(joinID(eventPrefix, x, tail))
}

// Exchange takes apart what [NewEventID] joined: the exchange that the event
// is of, and 8 bytes that tell it from the exchange's others. ok is false for
// a text of another form.
func (id EventID) Exchange() (x ExchangeID, tail [8]byte, ok bool) {
	return splitID(string(id), eventPrefix)
}

// NewDeliveryID derives the id of the delivery of e to s. run is 0 for the
// delivery made when the event was recorded, and counts replays. It holds the
// exchange of e; for an event id of another form, a hash in its place.
func NewDeliveryID(e EventID, s SubscriptionID, run uint64) DeliveryID {
	hash := hashParts(string(e), string(s), string(binary.BigEndian.AppendUint64(nil, run)))
	x, _, ok := e.Exchange()
	if !ok {
		x = ExchangeID(hash)
	}
	return JoinDeliveryID(x, [8]byte(hash))
}

// JoinDeliveryID returns the id that [DeliveryID.Exchange] takes apart into x
// and tail.
func JoinDeliveryID(x ExchangeID, tail [8]byte) DeliveryID {
	return DeliveryID(joinID(deliveryPrefix, x, tail))
}

// Exchange takes apart what [NewDeliveryID] joined: the exchange of the event,
// and 8 bytes that tell the delivery from the exchange's others. ok is false
// for a text of another form.
func (id DeliveryID) Exchange() (x ExchangeID, tail [8]byte, ok bool) {
	return splitID(string(id), deliveryPrefix)
}

// Prefixes of the ids that name an exchange, and the length of what follows.
const (
	eventPrefix    = "evt_"
	deliveryPrefix = "dlv_"
	chunkPrefix    = "chk_"
	joinedText     = 39
)

// joinID returns prefix and 39 characters: an exchange and a tail.
func joinID(prefix string, x ExchangeID, tail [8]byte) string {
	var raw [24]byte
	copy(raw[copy(raw[:], x[:]):], tail[:])
	var text [4 + joinedText]byte
	idText.Encode(text[copy(text[:], prefix):], raw[:])
	return string(text[:])
}

// splitID reads what [joinID] wrote.
func splitID(text, prefix string) (x ExchangeID, tail [8]byte, ok bool) {
	if len(text) != len(prefix)+joinedText || text[:len(prefix)] != prefix {
		return x, tail, false
	}
	raw, ok := decodeJoined(text[len(prefix):])
	return ExchangeID(raw[:16]), [8]byte(raw[16:]), ok
}

// decodeJoined reads 39 characters without an allocation, which encoding/base32
// makes for each text; deliveries are looked up by it.
func decodeJoined(text string) (raw [24]byte, ok bool) {
	bits, n := uint32(0), 0
	at := 0
	for i := range len(text) {
		v := idValues[text[i]]
		if v == notID {
			return raw, false
		}
		bits, n = bits<<5|uint32(v), n+5
		if n >= 8 {
			n -= 8
			raw[at] = byte(bits >> n)
			at++
		}
	}
	return raw, bits&(1<<n-1) == 0 // the last character has bits to spare
}

const notID = 0xff

// idValues are the values of the characters of idText.
var idValues = func() (values [256]byte) {
	for i := range values {
		values[i] = notID
	}
	for i := range len(idAlphabet) {
		values[idAlphabet[i]] = byte(i)
	}
	return values
}()

// hashText hashes parts to 26 characters.
func hashText(parts ...string) string { return idText.EncodeToString(hashParts(parts...)) }

// hashParts hashes parts unambiguously (each with its length) to 16 bytes.
func hashParts(parts ...string) []byte {
	n := 0
	for _, p := range parts {
		n += 4 + len(p)
	}
	buf := make([]byte, 0, n)
	for _, p := range parts {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(p)))
		buf = append(buf, p...)
	}
	sum := sha256.Sum256(buf)
	return sum[:16]
}

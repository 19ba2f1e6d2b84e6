package wire

import (
	"fmt"

	"github.com/sidehook/sidehook/webhook"
)

// Fields of a snapshot.
const (
	snapshotAPI Number = iota + 1
	snapshotKeyTenant
	snapshotResource
	snapshotEntity
	snapshotSequence
	snapshotDeleted
	snapshotBody
	snapshotUnknown
	snapshotSeen
	snapshotVia
	snapshotVersion
	snapshotETag
	snapshotView
	snapshotTenant
	snapshotExchange
	snapshotSource
	snapshotConcurrent
	snapshotUntil
	snapshotStale
	snapshotAlias
	snapshotName
	snapshotParent
	snapshotFound
)

// AppendSnapshot appends the encoding of s to buf. near is an exchange, or zero,
// that the reader knows: if it is the snapshot's, it is left out.
func AppendSnapshot(buf []byte, s *webhook.Snapshot, near webhook.ExchangeID) []byte {
	if s.Exchange != near {
		buf = AppendBytes(buf, snapshotExchange, s.Exchange[:])
	}
	buf = AppendString(buf, snapshotAPI, s.Key.API)
	buf = AppendString(buf, snapshotKeyTenant, s.Key.Tenant)
	buf = AppendString(buf, snapshotResource, s.Key.Resource)
	buf = AppendString(buf, snapshotEntity, s.Key.ID)
	buf = AppendUint(buf, snapshotSequence, s.Sequence)
	buf = AppendBool(buf, snapshotDeleted, s.Deleted)
	buf = AppendBytes(buf, snapshotBody, s.Body)
	buf = AppendStrings(buf, snapshotUnknown, s.Unknown)
	buf = appendTimeOf(buf, snapshotSeen, s.Seen, s.Exchange)
	buf = appendTimeOf(buf, snapshotStale, s.Stale, s.Exchange)
	if via := numberOf(sources[:], s.Via); via != noWord {
		buf = AppendUint(buf, snapshotSource, via)
	} else {
		buf = AppendString(buf, snapshotVia, string(s.Via))
	}
	buf = AppendString(buf, snapshotVersion, s.Version)
	buf = AppendString(buf, snapshotETag, s.ETag)
	buf = AppendString(buf, snapshotView, s.View)
	buf = AppendBool(buf, snapshotConcurrent, s.Concurrent)
	buf = AppendString(buf, snapshotAlias, s.Alias)
	buf = AppendString(buf, snapshotName, s.Name)
	buf = AppendString(buf, snapshotParent, s.Parent)
	buf = appendTimeOf(buf, snapshotFound, s.Found, s.Exchange)
	buf = AppendTime(buf, snapshotUntil, s.Until)
	return AppendString(buf, snapshotTenant, s.Tenant)
}

// DecodeSnapshot reads what [AppendSnapshot] wrote when it was given the same
// near. Its body is a part of data, which the caller leaves alone from then on.
func DecodeSnapshot(data []byte, near webhook.ExchangeID) (webhook.Snapshot, error) {
	s := webhook.Snapshot{Exchange: near}
	var seen, stale, found uint64
	var timed, touched, there bool
	r := NewReader(data)
	for r.Next() {
		switch r.Number() {
		case snapshotAPI:
			s.Key.API = r.String()
		case snapshotKeyTenant:
			s.Key.Tenant = r.String()
		case snapshotResource:
			s.Key.Resource = r.String()
		case snapshotEntity:
			s.Key.ID = r.String()
		case snapshotSequence:
			s.Sequence = r.Uint()
		case snapshotDeleted:
			s.Deleted = r.Bool()
		case snapshotBody:
			s.Body = r.Bytes()
		case snapshotUnknown:
			s.Unknown = append(s.Unknown, r.String())
		case snapshotSeen:
			seen, timed = r.Uint(), true
		case snapshotStale:
			stale, touched = r.Uint(), true
		case snapshotFound:
			found, there = r.Uint(), true
		default:
			decodeSnapshotSource(&r, &s)
		}
	}
	if err := r.Err(); err != nil {
		return webhook.Snapshot{}, fmt.Errorf("decode snapshot: %w", err)
	}
	if timed {
		s.Seen = timeOf(seen, s.Exchange)
	}
	if touched {
		s.Stale = timeOf(stale, s.Exchange)
	}
	if there {
		s.Found = timeOf(found, s.Exchange)
	}
	return s, nil
}

// decodeSnapshotSource reads the fields that say how s was learned.
func decodeSnapshotSource(r *Reader, s *webhook.Snapshot) {
	switch r.Number() {
	case snapshotVia:
		s.Via = webhook.Source(r.String())
	case snapshotSource:
		s.Via = wordOf(sources[:], r.Uint())
	case snapshotVersion:
		s.Version = r.String()
	case snapshotETag:
		s.ETag = r.String()
	case snapshotView:
		s.View = r.String()
	case snapshotTenant:
		s.Tenant = r.String()
	case snapshotExchange:
		s.Exchange = r.ID()
	case snapshotAlias:
		s.Alias = r.String()
	case snapshotName:
		s.Name = r.String()
	case snapshotParent:
		s.Parent = r.String()
	case snapshotConcurrent:
		s.Concurrent = r.Bool()
	case snapshotUntil:
		s.Until = r.Time()
	}
}

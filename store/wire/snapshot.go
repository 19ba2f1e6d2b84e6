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
)

// AppendSnapshot appends the encoding of s to buf.
func AppendSnapshot(buf []byte, s *webhook.Snapshot) []byte {
	buf = AppendString(buf, snapshotAPI, s.Key.API)
	buf = AppendString(buf, snapshotKeyTenant, s.Key.Tenant)
	buf = AppendString(buf, snapshotResource, s.Key.Resource)
	buf = AppendString(buf, snapshotEntity, s.Key.ID)
	buf = AppendUint(buf, snapshotSequence, s.Sequence)
	buf = AppendBool(buf, snapshotDeleted, s.Deleted)
	buf = AppendBytes(buf, snapshotBody, s.Body)
	buf = AppendStrings(buf, snapshotUnknown, s.Unknown)
	buf = AppendTime(buf, snapshotSeen, s.Seen)
	buf = AppendString(buf, snapshotVia, string(s.Via))
	buf = AppendString(buf, snapshotVersion, s.Version)
	buf = AppendString(buf, snapshotETag, s.ETag)
	buf = AppendString(buf, snapshotView, s.View)
	buf = AppendString(buf, snapshotTenant, s.Tenant)
	return AppendID(buf, snapshotExchange, s.Exchange)
}

// DecodeSnapshot reads what [AppendSnapshot] wrote. Its body is a part of data,
// which the caller leaves alone from then on.
func DecodeSnapshot(data []byte) (webhook.Snapshot, error) {
	var s webhook.Snapshot
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
			s.Seen = r.Time()
		default:
			decodeSnapshotSource(&r, &s)
		}
	}
	if err := r.Err(); err != nil {
		return webhook.Snapshot{}, fmt.Errorf("decode snapshot: %w", err)
	}
	return s, nil
}

// decodeSnapshotSource reads the fields that say how s was learned.
func decodeSnapshotSource(r *Reader, s *webhook.Snapshot) {
	switch r.Number() {
	case snapshotVia:
		s.Via = webhook.Source(r.String())
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
	}
}

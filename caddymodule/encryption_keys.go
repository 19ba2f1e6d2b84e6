package caddymodule

import (
	"encoding/json"
	"errors"
)

// EncryptionKeys are keys, newest first. Their JSON is a text, or a list of texts.
type EncryptionKeys []string

// MarshalJSON implements [json.Marshaler].
func (k EncryptionKeys) MarshalJSON() ([]byte, error) {
	if len(k) == 1 {
		return json.Marshal(k[0])
	}
	return json.Marshal([]string(k))
}

// UnmarshalJSON implements [json.Unmarshaler].
func (k *EncryptionKeys) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*k = EncryptionKeys{one}
		return nil
	}
	if json.Unmarshal(b, (*[]string)(k)) != nil {
		return errors.New("encryption_key: write a text, or a list of them, newest first")
	}
	return nil
}

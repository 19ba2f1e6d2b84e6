package crud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// maxBody bounds what a caller may send, against filling the memory.
const maxBody = 1 << 20

// read returns r's body, having answered if it cannot be used.
func read(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		fail(w, http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", maxBody)
	case err != nil:
		fail(w, http.StatusBadRequest, "the body could not be read: %v", err)
	}
	return body, err == nil
}

// unmarshal decodes exactly one JSON value with no unknown fields.
func unmarshal(body []byte, value any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(value); err != nil {
		return fmt.Errorf("the body is not what is expected here: %w", err)
	}
	if dec.More() {
		return errors.New("the body holds more than one JSON value")
	}
	return nil
}

// clone returns a copy of value that shares nothing with it.
func clone[T any](value T) T {
	var copied T
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &copied)
	}
	if err != nil {
		panic("crud: an entity does not survive its own JSON: " + err.Error())
	}
	return copied
}

// unmet says that r's If-Match does not hold for tag, or "".
func unmet(r *http.Request, tag string) string {
	if want := r.Header.Get("If-Match"); want != "" && want != "*" && want != tag {
		return "it has changed since: its ETag is " + tag
	}
	return ""
}

func write(w http.ResponseWriter, code int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		fail(w, http.StatusInternalServerError, "%v", err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(code)
	w.Write(append(body, '\n'))
}

func fail(w http.ResponseWriter, code int, format string, args ...any) {
	write(w, code, map[string]string{"error": fmt.Sprintf(format, args...)})
}

// number reads a query parameter that is not negative.
func number(r *http.Request, name string, otherwise int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 0 {
		return otherwise
	}
	return n
}

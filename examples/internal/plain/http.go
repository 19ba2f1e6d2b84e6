package plain

import (
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
		Fail(w, http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", maxBody)
	case err != nil:
		Fail(w, http.StatusBadRequest, "the body could not be read: %v", err)
	}
	return body, err == nil
}

// unmet says that r's If-Match does not hold for tag, or "".
func unmet(r *http.Request, tag string) string {
	if want := r.Header.Get("If-Match"); want != "" && want != "*" && want != tag {
		return "it has changed since: its ETag is " + tag
	}
	return ""
}

// Write answers with value as JSON.
func Write(w http.ResponseWriter, code int, value any) {
	body, err := marshal(value)
	if err != nil {
		Fail(w, http.StatusInternalServerError, "%v", err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(code)
	w.Write(append(body, '\n'))
}

// Fail answers with an error in words.
func Fail(w http.ResponseWriter, code int, format string, args ...any) {
	Write(w, code, map[string]string{"error": fmt.Sprintf(format, args...)})
}

// number reads a query parameter that is not negative.
func number(r *http.Request, name string, otherwise int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 0 {
		return otherwise
	}
	return n
}

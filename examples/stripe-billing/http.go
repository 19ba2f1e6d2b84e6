package stripebilling

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/examples/internal/plain"
)

// call is one request, with what its form says.
type call struct {
	*http.Request
	form plain.Doc
}

// take returns a field of the form that is none of an object.
func (c *call) take(name string) string {
	value := text(c.form[name])
	delete(c.form, name)
	return value
}

// answer is what a call was answered, kept for the same Idempotency-Key.
type answer struct {
	status int
	body   []byte
}

// refusal is an error as Stripe's API shows it.
type refusal struct {
	status     int
	kind, text string
}

// Error implements [error].
func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, "invalid_request_error", fmt.Sprintf(format, args...)}
}

// on adds a call. Every answer has a Request-Id; one that is given again for an
// Idempotency-Key says so.
func (a *api) on(pattern string, do func(*call) (plain.Doc, error)) {
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			plain.Fail(w, http.StatusBadRequest, "the body could not be read: %v", err)
			return
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		key := r.Header.Get("Idempotency-Key")
		again := a.answers[key]
		if again == nil || key == "" {
			again = a.answer(r, body, do)
		} else {
			w.Header().Set("Idempotent-Replayed", "true")
		}
		if key != "" {
			a.answers[key] = again
		}
		a.asked++
		w.Header().Set("Request-Id", fmt.Sprintf("req_%014d", a.asked))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(again.status)
		w.Write(again.body)
	})
}

func (a *api) answer(r *http.Request, body []byte, do func(*call) (plain.Doc, error)) *answer {
	var shown any
	status := http.StatusOK
	form, err := read(body)
	if err == nil {
		shown, err = do(&call{r, form})
	}
	if err != nil {
		refused, ok := err.(*refusal)
		if !ok {
			refused = &refusal{http.StatusBadRequest, "invalid_request_error", err.Error()}
		}
		status = refused.status
		shown = plain.Doc{"error": plain.Doc{"type": refused.kind, "message": refused.text}}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(shown); err != nil {
		return &answer{http.StatusInternalServerError, nil}
	}
	return &answer{status, out.Bytes()}
}

// account answers whose key a call carries: what stands in front asks for it.
func account(w http.ResponseWriter, r *http.Request) {
	_, name, ok := strings.Cut(r.Header.Get("Authorization"), "Bearer sk_test_")
	if !ok || name == "" {
		plain.Fail(w, http.StatusUnauthorized, "You did not provide an API key.")
		return
	}
	w.Header().Set("Stripe-Account", "acct_"+name)
	plain.Write(w, http.StatusOK, plain.Doc{"id": "acct_" + name, "object": "account"})
}

// read reads a form, metadata[tier]=gold being an object and a[]=1 a list.
func read(body []byte) (plain.Doc, error) {
	values, err := url.ParseQuery(string(body))
	form := plain.Doc{}
	for name, all := range values {
		outer, inner, nested := strings.Cut(strings.TrimSuffix(name, "]"), "[")
		switch {
		case !nested:
			form[name] = all[len(all)-1]
		case inner == "":
			form[outer] = list(all)
		default:
			if _, ok := form[outer].(plain.Doc); !ok {
				form[outer] = plain.Doc{}
			}
			form[outer].(plain.Doc)[inner] = all[len(all)-1]
		}
	}
	return form, err
}

func list(all []string) []any {
	out := []any{}
	for _, s := range all {
		out = append(out, s)
	}
	return out
}

// merge changes doc as form says: an empty text unsets, metadata are merged.
func merge(doc, form plain.Doc) error {
	for name, value := range form {
		old, known := doc[name]
		_, isNumber := old.(json.Number)
		object, isObject := old.(plain.Doc)
		inner, hasInner := value.(plain.Doc)
		switch {
		case !known || slices.Contains([]string{"id", "object", "status", "created"}, name):
			return fmt.Errorf("Received unknown parameter: %s", name)
		case name == "metadata" && value == "":
			doc[name] = plain.Doc{}
		case value == "":
			doc[name] = nil
		case isNumber:
			if _, err := strconv.ParseInt(text(value), 10, 64); err != nil {
				return fmt.Errorf("Invalid integer: %s", text(value))
			}
			doc[name] = json.Number(text(value))
		case isObject && hasInner:
			for key, v := range inner {
				if object[key] = v; v == "" {
					delete(object, key)
				}
			}
		default:
			doc[name] = value
		}
	}
	return nil
}

func parse(sample string) plain.Doc {
	dec := json.NewDecoder(strings.NewReader(sample))
	dec.UseNumber()
	var doc plain.Doc
	if err := dec.Decode(&doc); err != nil {
		panic("stripebilling: " + err.Error()) // it stands in the source
	}
	return doc
}

func (a *api) seconds() json.Number { return digits(a.now().Unix()) }

func digits(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

func number(v any) int64 {
	n, _ := v.(json.Number)
	i, _ := n.Int64()
	return i
}

func text(v any) string { s, _ := v.(string); return s }

func contains(list []string, v any) bool { return slices.Contains(list, text(v)) }

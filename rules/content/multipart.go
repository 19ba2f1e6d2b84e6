package content

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
)

// ErrNoBoundary says that a multipart body cannot be taken apart.
var ErrNoBoundary = errors.New("multipart: the Content-Type has no boundary")

// Multipart reads multipart/form-data (RFC 7578). Fields are what they are in
// [Form], but for parts whose type is JSON, which are that. A file is
// {"name", "type", "size", "sha256"}: nothing keeps its bytes.
func Multipart(body []byte, contentType string) (*tree.Value, error) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return nil, ErrNoBoundary
	}
	root := &node{}
	r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for n := 0; ; n++ {
		part, err := r.NextRawPart()
		if err == io.EOF {
			v := root.object()
			return &v, nil
		}
		if err != nil {
			return nil, fmt.Errorf("multipart: %w", err)
		}
		if n >= maxFields {
			return nil, fmt.Errorf("multipart: more than %d parts", maxFields)
		}
		if err := root.part(part); err != nil {
			return nil, err
		}
	}
}

// part puts one part in its place.
func (n *node) part(part *multipart.Part) error {
	names := FieldNames(part.FormName())
	if len(names) > maxNested {
		return fmt.Errorf("multipart: a name nests more than %d levels", maxNested)
	}
	content, err := io.ReadAll(part)
	if err != nil {
		return fmt.Errorf("multipart: %w", err)
	}
	_, params, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	_, isFile := params["filename"]
	kind, _, _ := strings.Cut(part.Header.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	switch {
	case part.FormName() == "", isFile && part.FileName() == "" && len(content) == 0: // a choice of no file
	case isFile:
		n.put(names, file(part.FileName(), kind, content))
	default:
		n.put(names, fieldValue(kind, content, part.Header.Get("Content-Type")))
	}
	return nil
}

// fieldValue is a part that is no file.
func fieldValue(kind string, content []byte, contentType string) tree.Value {
	text := string(Text(content, contentType))
	if kind == "application/json" || strings.HasSuffix(kind, "+json") {
		if v, err := tree.Parse(text); err == nil {
			return *v
		}
	}
	return tree.Text(text)
}

// file tells of a file without its bytes.
func file(name, kind string, content []byte) tree.Value {
	sum := sha256.Sum256(content)
	size, _ := tree.Parse(strconv.Itoa(len(content)))
	return tree.NewObject([]tree.Member{
		{Name: "name", Value: tree.Text(name)}, {Name: "type", Value: tree.Text(kind)},
		{Name: "size", Value: *size}, {Name: "sha256", Value: tree.Text(hex.EncodeToString(sum[:]))},
	})
}

// hasFile reports whether v is, or has somewhere in it, what [Multipart] makes
// of a file.
func hasFile(v *tree.Value) bool {
	members := v.Members()
	if len(members) == 4 && members[3].Name == "sha256" && members[2].Name == "size" {
		return true
	}
	for i := range members {
		if hasFile(&members[i].Value) {
			return true
		}
	}
	for e := range tree.Each(v.Elems()) {
		if hasFile(e) {
			return true
		}
	}
	return false
}

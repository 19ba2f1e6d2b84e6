package rules

import (
	"slices"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/patch"
	"github.com/sidehook/sidehook/rules/tree"
)

// patched applies an RFC 6902 patch, nil if any of it does not apply.
func patched(body, ops *tree.Value) *tree.Value {
	patch, err := jsonpatch.DecodePatch(ops.JSON())
	if err != nil {
		return nil
	}
	options := jsonpatch.NewApplyOptions()
	options.AllowMissingPathOnRemove, options.EnsurePathExistsOnAdd = false, false
	options.SupportNegativeIndices = false
	options.AccumulatedCopySizeLimit = content.MaxDecoded
	out, err := patch.ApplyWithOptions(body.JSON(), options)
	if err != nil {
		return nil
	}
	v, err := tree.Parse(string(out))
	if err != nil {
		return nil
	}
	return object(v)
}

// stillUnpatched is stillUnknown of a JSON patch: what it puts somewhere, or takes
// away, is known there, and below.
func stillUnpatched(b *state, ops *tree.Value) []string {
	var set []string
	for op := range tree.Each(ops.Elems()) {
		if kind, _ := op.Get("op").Text(); kind == "add" || kind == "replace" || kind == "remove" {
			set = append(set, pointed(op, "path"))
		}
	}
	return slices.DeleteFunc(slices.Clone(b.unknown), newPathSet(set).covers)
}

// movesUnknown reports whether a JSON patch puts what is not known somewhere else.
func movesUnknown(b *state, ops *tree.Value) bool {
	unknown := newPathSet(b.unknown)
	return slices.ContainsFunc(ops.Elems(), func(op tree.Value) bool {
		kind, _ := op.Get("op").Text()
		return (kind == "move" || kind == "copy") && unknown.touches(pointed(&op, "from"))
	})
}

// pointed returns the path that a JSON patch's operation has in one of its members.
func pointed(op *tree.Value, member string) (path string) {
	pointer, _ := op.Get(member).Text()
	for _, name := range patch.Names(pointer) {
		path = tree.Join(path, name)
	}
	return path
}

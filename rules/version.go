package rules

import (
	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/tree"
)

// older reports whether the state after is older, by its version, than the
// snapshot.
func (d *deriver) older(ch *change) bool {
	v := d.version(ch.o.body)
	return v != "" && ch.snap.Version != "" && !ch.snap.Deleted && likeness.Older(v, ch.snap.Version)
}

func (c *call) version(body *tree.Value) string {
	if c.e.res.version == nil {
		return ""
	}
	text, _ := body.At(c.e.res.version.Names()...).Text()
	return text
}

// isVersion reports whether the version is at path.
func (r *resource) isVersion(path string) bool { return r.version != nil && r.version.String() == path }

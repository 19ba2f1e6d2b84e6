package rules

import (
	"fmt"

	"github.com/sidehook/sidehook/rules/tree"
)

// otherID says that an answer does not show the entity by the id that its path has,
// and which of its fields may be what the path is made of.
func (d *deriver) otherID(ch *change, entity *tree.Value) string {
	shown, ok := d.e.res.idOf(d.res, entity)
	if !ok {
		return "it does not name the entity's id (`id` says where an answer has that)"
	}
	text := fmt.Sprintf("it shows the id %s, and the call is about %s", shown, ch.s.Key.ID)
	for m := range tree.Each(entity.Members()) {
		if m.Kind < tree.Array && m.Is(ch.s.Key.ID) && d.e.named && d.e.res.id == nil {
			return text + fmt.Sprintf("; if its path is made of %s, write `id %[1]s`", tree.Join("", m.Name))
		}
	}
	return text
}

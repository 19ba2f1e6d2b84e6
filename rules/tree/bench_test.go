package tree_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/rules/tree"
)

// BenchmarkParse reads an object of short texts, with an object and an array in it.
func BenchmarkParse(b *testing.B) {
	for _, size := range []int{250, 1 << 10, 10 << 10} {
		var s strings.Builder
		s.WriteString(`{"id":"item-17","count":3,"owner":{"name":"Ada","email":"ada@example.com"},"tags":["a","b"]`)
		for i := 0; s.Len() < size-40; i++ {
			fmt.Fprintf(&s, `,"field_number_%d":"some value of it %d"`, i, i)
		}
		doc := s.String() + "}"
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(doc)))
			for b.Loop() {
				if _, err := tree.Parse(doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

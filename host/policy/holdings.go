package policy

import (
	"hash/maphash"
	"slices"
	"unsafe"

	"github.com/snatd/snatd/rules"
)

// holdings is the memory of remembered evaluations: what is equal in several of
// them is there once. Subjects are asked the same questions, have many answers in
// common, and are often decided alike although they answer differently.
type holdings struct {
	texts     map[string]string        // keys and values of reads
	decisions map[uint64][]rules.Entry // by hash
	counted   map[*rules.Entry]bool    // the first of each decision in size
	size      int                      // bytes
}

func newHoldings() *holdings {
	return &holdings{
		texts:     map[string]string{},
		decisions: map[uint64][]rules.Entry{},
		counted:   map[*rules.Entry]bool{},
	}
}

// nodeSize is about what a node takes with its map, and textSize what a text
// takes beside its bytes.
const nodeSize, textSize = 400, 64

// sizeOf is the bytes of an evaluation that shares nothing.
func sizeOf(e *Evaluation) int {
	size := int(unsafe.Sizeof(*e)) + nodeSize + sizeOfEntries(e.Decision.Entries)
	for _, r := range e.Reads {
		size += int(unsafe.Sizeof(r)) + 2*textSize + len(r.Key) + len(r.Value)
	}
	return size
}

// sizeOfEntries counts a reason once where neighbours share it, as a session
// makes them.
func sizeOfEntries(entries []rules.Entry) int {
	size, last := 0, ""
	for _, e := range entries {
		size += int(unsafe.Sizeof(e))
		if e.Reason != last {
			size, last = size+len(e.Reason), e.Reason
		}
	}
	return size
}

// share returns an evaluation that is held: equal to e, with what it has in
// common with others.
func (h *holdings) share(e Evaluation) Evaluation {
	e.Reads = slices.Clone(e.Reads)
	for i := range e.Reads {
		r := &e.Reads[i]
		r.Key, r.Value = h.text(r.Key), h.text(r.Value)
	}
	hash := hashOf(e.Decision.Entries)
	if entries := h.decisions[hash]; slices.Equal(entries, e.Decision.Entries) {
		e.Decision.Entries = entries
	} else {
		e.Decision.Entries = slices.Clone(e.Decision.Entries) // without room to grow
		h.decisions[hash] = e.Decision.Entries
	}
	h.count(&e)
	return e
}

// count adds the memory of an evaluation that share has returned. It changes
// nothing of it: others may be reading it.
func (h *holdings) count(e *Evaluation) {
	h.size += int(unsafe.Sizeof(*e)) + len(e.Reads)*int(unsafe.Sizeof(Read{}))
	for _, r := range e.Reads {
		h.text(r.Key)
		h.text(r.Value)
	}
	if first := unsafe.SliceData(e.Decision.Entries); !h.counted[first] {
		h.counted[first] = true
		h.size += sizeOfEntries(e.Decision.Entries)
	}
}

func (h *holdings) text(text string) string {
	held, ok := h.texts[text]
	if !ok {
		held, h.texts[text] = text, text
		h.size += textSize + len(text)
	}
	return held
}

// takeOver keeps the decisions of before that are counted here.
func (h *holdings) takeOver(before *holdings) {
	for hash, entries := range before.decisions {
		if h.counted[unsafe.SliceData(entries)] {
			h.decisions[hash] = entries
		}
	}
}

var hashSeed = maphash.MakeSeed()

func hashOf(entries []rules.Entry) uint64 {
	var h maphash.Hash
	h.SetSeed(hashSeed)
	for _, e := range entries {
		maphash.WriteComparable(&h, e)
	}
	return h.Sum64()
}

package policy

import "iter"

// branches are where the answers to a question lead. Most questions have one answer,
// the same for all subjects, which is found without hashing it.
type branches struct {
	answer reply
	first  *node // nil: none
	others map[reply]*node
}

func (b *branches) none() bool { return b.first == nil }

// only is where the one answer leads; nil if there are none or several.
func (b *branches) only() *node {
	if len(b.others) > 0 {
		return nil
	}
	return b.first
}

// of is where an answer leads; nil if nowhere.
func (b *branches) of(answer reply) *node {
	if b.first != nil && b.answer == answer {
		return b.first
	}
	return b.others[answer]
}

// add adds an answer that there was none of.
func (b *branches) add(answer reply, to *node) {
	switch {
	case b.first == nil:
		b.answer, b.first = answer, to
	case b.others == nil:
		b.others = map[reply]*node{answer: to}
	default:
		b.others[answer] = to
	}
}

func (b *branches) all() iter.Seq2[reply, *node] {
	return func(yield func(reply, *node) bool) {
		if b.first == nil || !yield(b.answer, b.first) {
			return
		}
		for answer, to := range b.others {
			if !yield(answer, to) {
				return
			}
		}
	}
}

package policy

import "github.com/snatd/snatd/sdk"

// node is a place in an evaluation: so many reads are answered, and what comes
// next follows from the answers alone. It is the end, the next read, or empty.
type node struct {
	end  *Evaluation
	next question
	// after leads on, by the answer to next.
	after map[reply]*node
}

// reply is what distinguishes the answers to one question.
type reply struct {
	value string
	found bool
}

// walk asks facts what the remembered evaluations read, and returns the one
// that read the same answers; nil if there is none.
func (n *node) walk(facts sdk.Source) *Evaluation {
	for n != nil && n.after != nil {
		r := answer(facts, n.next)
		n = n.after[reply{r.Value, r.Found}]
	}
	if n == nil {
		return nil
	}
	return n.end
}

// insert adds an evaluation. Where it contradicts what is there, the policy is
// not the function it has to be; what is there goes, so that the newest counts.
func (n *node) insert(e *Evaluation) {
	for _, r := range e.Reads {
		next := question{r.Key, r.Listing}
		if n.end != nil || n.after == nil || n.next != next {
			*n = node{next: next, after: map[reply]*node{}}
		}
		answer := reply{r.Value, r.Found}
		if n.after[answer] == nil {
			n.after[answer] = &node{}
		}
		n = n.after[answer]
	}
	*n = node{end: e}
}

// sizeOf estimates the bytes that an evaluation takes in a trie, from above:
// nodes that it shares are counted again.
func sizeOf(e *Evaluation) int {
	const perNode, perEntry = 256, 96
	size := perNode
	for _, r := range e.Reads {
		size += perNode + len(r.Key) + len(r.Value)
	}
	for _, entry := range e.Decision.Entries {
		size += perEntry + len(entry.Reason)
	}
	return size
}

package policy

import "github.com/snatd/snatd/sdk"

// node is a place in a policy's evaluations: so many reads are answered, and
// what comes next follows from the answers alone. It is empty, a question whose
// answers lead on, or an evaluation. An evaluation stands where its answers begin
// to differ from every other's: its further reads are not nodes, it knows them.
type node struct {
	next  question
	after branches // none: not a question

	end  *Evaluation // nil: empty, or a question
	used int         // the last pass that used the evaluation
}

// reply is what distinguishes the answers to one question.
type reply struct {
	value string
	found bool
}

func (r Read) question() question { return question{r.Key, r.Listing} }
func (r Read) reply() reply       { return reply{r.Value, r.Found} }

// walk asks facts what the remembered evaluations read, and returns the one
// that read the same answers; nil if there is none.
func (n *node) walk(facts sdk.Source) *node {
	depth := 0
	for ; n != nil && !n.after.none(); depth++ {
		n = n.after.of(answer(facts, n.next).reply())
	}
	if n == nil || n.end == nil {
		return nil
	}
	for _, r := range n.end.Reads[depth:] {
		if answer(facts, r.question()) != r {
			return nil
		}
	}
	return n
}

// insert adds an evaluation that a pass uses, and returns how many nodes it took.
// Where it contradicts what is there, the policy is not the function it has to be;
// what is there goes, so that the newest counts.
func (n *node) insert(e *Evaluation, pass int) (added int) {
	leaf := node{end: e, used: pass}
	for depth := 0; ; depth++ {
		if old := n.end; old != nil && depth < len(old.Reads) {
			n.next = old.Reads[depth].question()
			n.after.add(old.Reads[depth].reply(), &node{end: old, used: n.used})
			n.end = nil
			added++
		}
		if n.after.none() || depth == len(e.Reads) || e.Reads[depth].question() != n.next {
			*n = leaf
			return added + 1
		}
		answer := e.Reads[depth].reply()
		next := n.after.of(answer)
		if next == nil {
			n.after.add(answer, &leaf)
			return added + 1
		}
		n = next
	}
}

// prune removes the evaluations that were not used since a pass, shows keep the
// others, and returns how many nodes are left. Zero is an empty node.
func (n *node) prune(since int, keep func(e *Evaluation)) (left int) {
	if n.end != nil && n.used >= since {
		keep(n.end)
		return 1
	}
	n.end = nil
	before := n.after
	n.after = branches{}
	for answer, child := range before.all() {
		if nodes := child.prune(since, keep); nodes > 0 {
			n.after.add(answer, child)
			left += nodes
		}
	}
	if left == 0 {
		return 0
	}
	if child := n.after.only(); child != nil && child.end != nil {
		*n = *child // nothing to tell it from
		return left
	}
	return left + 1
}

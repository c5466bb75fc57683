package kubernetes

import (
	"fmt"
	"maps"
	"slices"

	"github.com/snatd/snatd/host/facts"
)

// State is what the API server said last. It is immutable.
type State struct {
	Node facts.Node
	// Namespaces are those that have pods on the node.
	Namespaces []facts.Namespace
	// Pods are those of the node that may have an address, each with one that no
	// other has. A pod whose namespace is not known is not among them.
	Pods []facts.Pod
	// Problems are what was said and is not taken: objects that are rejected, as
	// far as they matter to this node, pods whose namespace is not known, and
	// addresses that more than one pod claims.
	Problems []Problem
}

// Problem is something that the API server says and that cannot be right, or that
// is of no use yet.
type Problem struct {
	Source  string // "kubernetes/pods", ...
	Message string
}

// compose makes a state of what the feeds keep; nil until all of them have
// listed once.
func (c *Cluster) compose() *State {
	pods, listed := c.pods.list()
	if !listed || !c.namespaces.listed() || !c.nodes.listed() {
		return nil
	}
	s := &State{}
	known := c.composeNamespaces(s, pods)
	c.composeNode(s)
	s.Problems = append(s.Problems, c.pods.problems(all)...)
	pods = slices.DeleteFunc(pods, func(p pod) bool {
		if !known[p.Namespace] {
			s.Problems = append(s.Problems, Problem{c.pods.name, fmt.Sprintf("%s: its namespace %s is not known", p.FullName(), p.Namespace)})
		}
		return !known[p.Namespace]
	})
	for _, conflict := range settle(pods) {
		s.Problems = append(s.Problems, Problem{c.pods.name, conflict})
	}
	for _, p := range pods {
		s.Pods = append(s.Pods, p.Pod)
	}
	return s
}

func all(string) bool { return true }

// composeNamespaces adds the namespaces of pods, and returns the names of those
// that are known. Others, of which a cluster may have thousands, are not looked at.
func (c *Cluster) composeNamespaces(s *State, pods []pod) map[string]bool {
	known := map[string]bool{}
	for _, p := range pods {
		known[p.Namespace] = false
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if ns, ok := c.namespaces.get(name); ok {
			s.Namespaces = append(s.Namespaces, ns)
			known[name] = true
		}
	}
	s.Problems = append(s.Problems, c.namespaces.problems(func(name string) bool {
		_, used := known[name]
		return used
	})...)
	return known
}

// composeNode adds the node. One that is rejected has its problem already.
func (c *Cluster) composeNode(s *State) {
	rejected := c.nodes.problems(all)
	node, known := c.nodes.get(c.node)
	if !known && len(rejected) == 0 {
		rejected = []Problem{{c.nodes.name, fmt.Sprintf("there is no node %s, accepted: the name of this node in the cluster", c.node)}}
	}
	s.Node = node
	s.Node.Name = c.node
	s.Problems = append(s.Problems, rejected...)
}

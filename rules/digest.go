package rules

import (
	"crypto/sha256"
	"encoding/hex"
)

// Digest identifies what the kernel does with packets, as 64 hex digits: that of
// a ruleset which kept names is that of the same ruleset freshly compiled. It is
// taken over the contents of the classes, and over the text of the table around
// them under canonical names. Without a ruleset it is empty.
func (r *Ruleset) Digest() string {
	if r == nil {
		return ""
	}
	all := r.identities()
	canonical := canonicalNames(all)
	names := make(map[string]string, len(all))
	for i, c := range r.Classes {
		names[c.Name] = canonical[all[i]]
	}
	named := r.renamed(names)
	text := []byte(named.withClasses(nil).table(named.sourcing()).String())
	for _, id := range named.identities() {
		text = append(text, id[:]...)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// renamed returns the ruleset with other names for all its classes.
func (r *Ruleset) renamed(names map[string]string) *Ruleset {
	out := &Ruleset{Network: r.Network, Node: names[r.Node], Pods: make([]Member, 0, len(r.Pods))}
	for _, m := range r.Pods {
		out.Pods = append(out.Pods, Member{m.Addr, names[m.Class]})
	}
	for _, c := range r.Classes {
		c.Name = names[c.Name]
		out.Classes = append(out.Classes, c)
	}
	out.sortClasses()
	return out
}

// withClasses returns the ruleset with other classes.
func (r *Ruleset) withClasses(classes []Class) *Ruleset {
	out := *r
	out.Classes = classes
	return &out
}

package rules_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/snatd/snatd/rules"
)

// world is a random node with modules and pods that change over time. Its
// addresses are few, so that prefixes nest, touch and repeat.
type world struct {
	r       *rand.Rand
	network rules.Network
	last    policy   // decides what no other module does
	dropIns []policy // in order of precedence
	node    []bool   // which drop-ins decide for the node
	pods    map[netip.Addr][]bool
}

// policy is a module's decision; a prefix can be in it once only.
type policy map[netip.Prefix]rules.Outcome

func newWorld(r *rand.Rand) *world {
	w := &world{
		r: r, network: network(), last: policy{everywhere: translate},
		dropIns: []policy{{}, {}, {}}, node: make([]bool, 3), pods: map[netip.Addr][]bool{},
	}
	for range 10 {
		w.change()
	}
	return w
}

// change does one thing that happens on nodes.
func (w *world) change() {
	switch w.r.IntN(12) {
	case 0, 1, 2:
		toggle(w.r, w.last)
	case 3, 4:
		toggle(w.r, w.dropIns[w.r.IntN(len(w.dropIns))])
	case 5, 6, 7:
		a := netip.AddrFrom4([4]byte{10, 0, 1, byte(w.r.IntN(6))})
		if _, there := w.pods[a]; there {
			delete(w.pods, a)
		} else {
			w.pods[a] = make([]bool, len(w.dropIns))
		}
	case 8, 9:
		for _, a := range w.addresses() {
			if w.r.IntN(2) == 0 {
				flip(w.r, w.pods[a])
			}
		}
	case 10:
		flip(w.r, w.node)
	case 11:
		w.changeNetwork()
	}
}

func (w *world) changeNetwork() {
	switch n := &w.network; w.r.IntN(6) {
	case 5:
		n.Uncounted = !n.Uncounted
	case 0:
		n.NodePorts = !n.NodePorts
	case 1:
		n.Randomize = []rules.Randomize{rules.RandomizePRNG, rules.RandomizeHash, rules.RandomizeNone}[w.r.IntN(3)]
	case 2:
		n.PodInterfaces = [][]string{{"eni*"}, {"veth9", "eni*"}, {"eni1", "eni*"}}[w.r.IntN(3)]
	case 3:
		o := exclude
		if w.last[everywhere] == exclude {
			o = translate
		}
		w.last[everywhere] = o
	case 4: // also to what was another source until now
		n.Primary = []netip.Addr{addr("10.0.0.10"), addr("10.0.0.11")}[w.r.IntN(2)]
	}
}

func flip(r *rand.Rand, on []bool) {
	i := r.IntN(len(on))
	on[i] = !on[i]
}

// toggle removes the prefix, or adds it with an action, but keeps everywhere.
func toggle(r *rand.Rand, p policy) {
	prefix := randomPrefix(r)
	if r.IntN(2) == 0 {
		prefix = relative(r, p, prefix)
	}
	_, there := p[prefix]
	switch {
	case there && prefix != everywhere:
		delete(p, prefix)
	case !there:
		p[prefix] = []rules.Outcome{exclude, exclude, exclude, translate, translate, to("10.0.0.11"), to("10.0.0.12")}[r.IntN(7)]
	}
}

func randomPrefix(r *rand.Rand) netip.Prefix {
	octet := func() byte { return []byte{0, 0, 1, 10, 128, 255}[r.IntN(6)] }
	bits := []int{0, 1, 8, 9, 15, 16, 16, 17, 23, 24, 24, 31, 32}[r.IntN(13)]
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{octet(), octet(), octet(), octet()}), bits).Masked()
}

// relative returns a prefix that contains one of the policy's, or is its half or
// its neighbour; fallback if the policy is empty.
func relative(r *rand.Rand, p policy, fallback netip.Prefix) netip.Prefix {
	all := slices.SortedFunc(maps.Keys(p), netip.Prefix.Compare)
	if len(all) == 0 {
		return fallback
	}
	q := all[r.IntN(len(all))]
	switch r.IntN(4) {
	case 0:
		return netip.PrefixFrom(q.Addr(), max(q.Bits()-1, 0)).Masked()
	case 1:
		return netip.PrefixFrom(q.Addr(), min(q.Bits()+1, 32))
	case 2: // the neighbour above
		if next := last(q).Next(); next.IsValid() {
			return netip.PrefixFrom(next, q.Bits()).Masked()
		}
	}
	return netip.PrefixFrom(last(q), min(q.Bits()+1, 32)).Masked() // the upper half
}

// last returns the prefix's last address.
func last(p netip.Prefix) netip.Addr {
	octets := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		octets[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(octets)
}

func (w *world) addresses() []netip.Addr {
	return slices.SortedFunc(maps.Keys(w.pods), netip.Addr.Compare)
}

// subjects returns what Compile takes.
func (w *world) subjects() (node []rules.Decision, pods []rules.Decided) {
	for _, a := range w.addresses() {
		pods = append(pods, rules.Decided{
			Subject:   rules.Subject{Name: "test/" + a.String(), Addr: a},
			Decisions: w.decisions(w.pods[a]),
		})
	}
	return w.decisions(w.node), pods
}

func (w *world) decisions(on []bool) []rules.Decision {
	var all []rules.Decision
	for i, p := range w.dropIns {
		if on[i] {
			all = append(all, w.decision(fmt.Sprintf("1%d-drop-in", i), p))
		}
	}
	return append(all, w.decision("default", w.last))
}

// decision puts the entries in any order: it must not matter.
func (w *world) decision(name string, p policy) rules.Decision {
	d := rules.Decision{Module: name}
	for _, prefix := range slices.SortedFunc(maps.Keys(p), netip.Prefix.Compare) {
		o := p[prefix]
		if o == translate && w.r.IntN(4) == 0 {
			o.Source = w.network.Primary
		}
		d.Entries = append(d.Entries, rules.Entry{Prefix: prefix, Outcome: o})
	}
	w.r.Shuffle(len(d.Entries), func(i, j int) { d.Entries[i], d.Entries[j] = d.Entries[j], d.Entries[i] })
	return d
}

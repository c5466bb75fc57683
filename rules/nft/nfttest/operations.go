package nfttest

import (
	"fmt"
	"slices"
	"syscall"

	"github.com/snatd/snatd/rules/nft"
)

func (k *kernel) addTable(name string) error {
	switch k.name {
	case "":
		k.create(name)
		return nil
	case name:
		return nil
	}
	return fmt.Errorf("table %s is there, the fake holds one: %w", k.name, syscall.EOPNOTSUPP)
}

func (k *kernel) addChain(op nft.AddChain) error {
	if c, ok := k.chains[op.Name]; ok {
		if (c.Hook == nil) != (op.Hook == nil) || c.Hook != nil && *c.Hook != *op.Hook {
			return fmt.Errorf("chain %s has another hook: %w", op.Name, syscall.EEXIST)
		}
		return nil
	}
	k.chains[op.Name] = &nft.Chain{Name: op.Name, Hook: op.Hook}
	return nil
}

func (k *kernel) flushChain(name string) error {
	c, ok := k.chains[name]
	if !ok {
		return fmt.Errorf("chain %s: %w", name, syscall.ENOENT)
	}
	c.Rules = nil
	return nil
}

func (k *kernel) deleteChain(name string) error {
	if err := k.flushChain(name); err != nil { // the kernel does so too
		return err
	}
	if k.chainInUse(name) {
		return fmt.Errorf("chain %s is referred to: %w", name, syscall.EBUSY)
	}
	delete(k.chains, name)
	return nil
}

func (k *kernel) deleteCounter(name string) error {
	if !k.counters[name] {
		return fmt.Errorf("counter %s: %w", name, syscall.ENOENT)
	}
	if k.counterInUse(name) {
		return fmt.Errorf("counter %s is referred to: %w", name, syscall.EBUSY)
	}
	delete(k.counters, name)
	return nil
}

func (k *kernel) addRule(op nft.AddRule) error {
	c, ok := k.chains[op.Chain]
	if !ok {
		return fmt.Errorf("chain %s: %w", op.Chain, syscall.ENOENT)
	}
	for _, e := range op.Rule {
		switch e := e.(type) {
		case nft.Counter:
			if !k.counters[e.Name] {
				return fmt.Errorf("counter %s: %w", e.Name, syscall.ENOENT)
			}
		case nft.Verdict:
			if err := k.checkVerdict(e); err != nil {
				return err
			}
		case nft.Lookup:
			if err := k.checkMap(e.Map, false); err != nil {
				return err
			}
		case nft.MapNAT:
			if err := k.checkMap(e.Map, true); err != nil {
				return err
			}
		}
	}
	c.Rules = append(c.Rules, op.Rule)
	return k.checkTranslation()
}

func (k *kernel) checkMap(name string, addresses bool) error {
	m, ok := k.maps[name]
	if !ok {
		return fmt.Errorf("map %s: %w", name, syscall.ENOENT)
	}
	if m.Addresses != addresses {
		return fmt.Errorf("map %s holds other data: %w", name, syscall.EINVAL)
	}
	return nil
}

func (k *kernel) checkVerdict(v nft.Verdict) error {
	if v.Goto == "" {
		return nil
	}
	c, ok := k.chains[v.Goto]
	if !ok {
		return fmt.Errorf("chain %s: %w", v.Goto, syscall.ENOENT)
	}
	if c.Hook != nil {
		return fmt.Errorf("%s, a base chain: %w", v, syscall.EOPNOTSUPP)
	}
	return nil
}

func (k *kernel) addMap(op nft.AddMap) error {
	if m, ok := k.maps[op.Name]; ok {
		if m.Interval != op.Interval || m.Addresses != op.Addresses {
			return fmt.Errorf("map %s has other flags: %w", op.Name, syscall.EEXIST)
		}
		return nil
	}
	k.maps[op.Name] = &nft.Map{Name: op.Name, Interval: op.Interval, Addresses: op.Addresses}
	return nil
}

func (k *kernel) deleteMap(name string) error {
	if _, ok := k.maps[name]; !ok {
		return fmt.Errorf("map %s: %w", name, syscall.ENOENT)
	}
	if k.mapInUse(name) {
		return fmt.Errorf("map %s is referred to: %w", name, syscall.EBUSY)
	}
	delete(k.maps, name)
	return nil
}

func (k *kernel) elementsOf(name string, interval bool) (*nft.Map, error) {
	m, ok := k.maps[name]
	if !ok {
		return nil, fmt.Errorf("map %s: %w", name, syscall.ENOENT)
	}
	if m.Interval != interval {
		return nil, fmt.Errorf("map %s has other flags: %w", name, syscall.EINVAL)
	}
	return m, nil
}

func (k *kernel) addElements(op nft.AddElements) error {
	m, err := k.elementsOf(op.Map, op.Interval)
	if err != nil {
		return err
	}
	for _, e := range op.Elements {
		if e.Last.Less(e.First) || !m.Interval && e.First != e.Last ||
			m.Addresses != e.Address.Is4() || m.Addresses != (e.Verdict == nft.Verdict{}) {
			return fmt.Errorf("element %s: %w", e, syscall.EINVAL)
		}
		if err := k.checkVerdict(e.Verdict); err != nil {
			return fmt.Errorf("element %s: %w", e, err)
		}
		// Sorted and disjoint, so that at most the neighbours can overlap.
		i, _ := slices.BinarySearchFunc(m.Elements, e, func(x, y nft.Element) int { return x.First.Compare(y.First) })
		if i > 0 && !m.Elements[i-1].Last.Less(e.First) || i < len(m.Elements) && !e.Last.Less(m.Elements[i].First) {
			return fmt.Errorf("element %s overlaps another: %w", e, syscall.EEXIST)
		}
		m.Elements = slices.Insert(m.Elements, i, e)
	}
	return k.checkTranslation()
}

func (k *kernel) deleteElements(op nft.DeleteElements) error {
	m, err := k.elementsOf(op.Map, op.Interval)
	if err != nil {
		return err
	}
	for _, e := range op.Elements {
		i := slices.Index(m.Elements, e)
		if i < 0 {
			return fmt.Errorf("element %s: %w", e, syscall.ENOENT)
		}
		m.Elements = slices.Delete(m.Elements, i, i+1)
	}
	return nil
}

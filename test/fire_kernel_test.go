package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/rules"
)

// nft runs nft on the node with a text as its input.
func (d *daemon) nft(input string, arguments ...string) (string, error) {
	d.t.Helper()
	needs(d.t, "nft")
	var out strings.Builder
	command := exec.Command("nft", arguments...)
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(input), &out, &out
	err := d.lab.Node.Do(command.Run)
	return out.String(), err
}

// kernelTable is what nft lists of the daemon's table, read without the daemon's
// code.
type kernelTable struct {
	maps   map[string][]kernelElement
	chains map[string][]kernelRule
}

type kernelElement struct {
	first, last netip.Addr
	value       any // an address, or a statement
}

// kernelRule is its statements.
type kernelRule []map[string]any

// named finds what a table has.
var named = regexp.MustCompile(`(?m)^\t(map|chain) (\S+) \{$`)

// readTable lists the table; one that does not exist is an error. It lists object by
// object: nft 1.0.6 cannot write the flags of a table that is protected as JSON.
func (d *daemon) readTable() (*kernelTable, error) {
	d.t.Helper()
	text, err := d.nft("", "list", "table", "ip", rules.TableName)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	table := &kernelTable{maps: map[string][]kernelElement{}, chains: map[string][]kernelRule{}}
	for _, object := range named.FindAllStringSubmatch(text, -1) {
		if text, err = d.nft("", "-j", "list", object[1], "ip", rules.TableName, object[2]); err != nil {
			return nil, fmt.Errorf("%w: %s", err, text)
		}
		var list kernelList
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil, fmt.Errorf("%w: %s", err, text)
		}
		if err := table.add(list); err != nil {
			return nil, err
		}
	}
	return table, nil
}

// kernelList is what nft writes.
type kernelList struct {
	Nftables []struct {
		Map *struct {
			Name string
			Elem [][2]any
		}
		Chain *struct{ Name string }
		Rule  *struct {
			Chain string
			Expr  kernelRule
		}
	}
}

func (t *kernelTable) add(list kernelList) error {
	for _, object := range list.Nftables {
		switch {
		case object.Map != nil:
			t.maps[object.Map.Name] = nil
			for _, pair := range object.Map.Elem {
				first, last, err := addresses(pair[0])
				if err != nil {
					return err
				}
				t.maps[object.Map.Name] = append(t.maps[object.Map.Name], kernelElement{first, last, pair[1]})
			}
		case object.Chain != nil:
			if _, known := t.chains[object.Chain.Name]; !known {
				t.chains[object.Chain.Name] = nil
			}
		case object.Rule != nil:
			t.chains[object.Rule.Chain] = append(t.chains[object.Rule.Chain], object.Rule.Expr)
		}
	}
	return nil
}

// addresses are the first and the last that a key of nft's means.
func addresses(key any) (first, last netip.Addr, err error) {
	switch key := key.(type) {
	case string:
		first, err = netip.ParseAddr(key)
		return first, first, err
	case map[string]any:
		if p, ok := key["prefix"].(map[string]any); ok {
			first, err = netip.ParseAddr(p["addr"].(string))
			octets := first.As4()
			for bit := int(p["len"].(float64)); bit < 32; bit++ {
				octets[bit/8] |= 0x80 >> (bit % 8)
			}
			return first, netip.AddrFrom4(octets), err
		}
		if r, ok := key["range"].([]any); ok {
			first, err = netip.ParseAddr(r[0].(string))
			if err == nil {
				last, err = netip.ParseAddr(r[1].(string))
			}
			return first, last, err
		}
	}
	return first, last, fmt.Errorf("unknown key %v", key)
}

// lookup takes the first packet of a connection through both hooks.
func (t *kernelTable) lookup(src, dst netip.Addr) (rules.Outcome, error) {
	p := &kernelPacket{table: t, src: src, dst: dst}
	if err := errors.Join(p.enter("prerouting"), p.enter("postrouting")); err != nil {
		return rules.Outcome{}, fmt.Errorf("%s to %s: %w", src, dst, err)
	}
	if !p.source.IsValid() {
		return rules.Outcome{Action: rules.Exclude}, nil
	}
	return rules.Outcome{Action: rules.Translate, Source: p.source}, nil
}

// kernelPacket is on its way from a pod's interface to the primary one.
type kernelPacket struct {
	table    *kernelTable
	src, dst netip.Addr
	mark     uint32
	source   netip.Addr // that it was translated to
	err      error
}

func (p *kernelPacket) enter(chain string) error {
	if _, there := p.table.chains[chain]; !there {
		return fmt.Errorf("there is no chain %s", chain)
	}
	p.run(chain)
	return p.err
}

// run says whether the packet has left the hook.
func (p *kernelPacket) run(chain string) (over bool) {
	for _, rule := range p.table.chains[chain] {
		for _, statement := range rule {
			matches, over := p.do(statement)
			if over {
				return true
			}
			if !matches {
				break
			}
		}
	}
	return false
}

// do says whether the packet goes on in the same rule, and whether it has left the
// hook.
func (p *kernelPacket) do(statement map[string]any) (matches, over bool) {
	for name, argument := range statement {
		switch name {
		case "accept", "return": // at the end of a base chain, or of what it went to
			return false, true
		case "goto":
			p.run(argument.(map[string]any)["target"].(string))
			return false, true
		case "vmap":
			value, found := p.find(argument)
			if !found {
				return false, false
			}
			return p.do(value.(map[string]any))
		case "match":
			return p.match(argument.(map[string]any)), false
		case "mangle":
			p.mangle(inText(argument))
			return true, false
		case "snat":
			addr := argument.(map[string]any)["addr"]
			if m, mapped := addr.(map[string]any); mapped {
				var found bool
				if addr, found = p.find(m["map"]); !found {
					return false, false
				}
			}
			p.source, p.err = netip.ParseAddr(addr.(string))
			return false, true
		case "counter", "continue":
			return true, false
		}
	}
	p.err = fmt.Errorf("unknown statement %v", statement)
	return false, true
}

// find looks the packet's address up in a map.
func (p *kernelPacket) find(lookup any) (value any, found bool) {
	l := lookup.(map[string]any)
	addr := p.dst
	if strings.Contains(inText(l["key"]), `"saddr"`) {
		addr = p.src
	}
	for _, e := range p.table.maps[strings.TrimPrefix(l["data"].(string), "@")] {
		if !addr.Less(e.first) && !e.last.Less(addr) {
			return e.value, true
		}
	}
	return nil, false
}

func (p *kernelPacket) match(m map[string]any) bool {
	var equal bool
	switch left := inText(m["left"]); left {
	case `{"meta":{"key":"iifname"}}`:
		equal = isInterface(m["right"], "eni0")
	case `{"meta":{"key":"oifname"}}`:
		equal = isInterface(m["right"], lab.PrimaryInterface)
	case `{"&":[{"ct":{"key":"status"}},"confirmed"]}`, `{"fib":{"flags":["daddr"],"result":"type"}}`:
		equal = false // a first packet, to another host
	default:
		var mark uint32
		if n, err := fmt.Sscanf(left, `{"&":[{"ct":{"key":"mark"}},%d]}`, &mark); n != 1 || err != nil {
			p.err = fmt.Errorf("unknown match %s", left)
		}
		equal = p.mark&mark == mark
	}
	return equal == (m["op"] == "==")
}

// isInterface says whether a pattern, or one of a set of them, means a name.
func isInterface(pattern any, name string) bool {
	if set, ok := pattern.(map[string]any); ok {
		return slices.ContainsFunc(set["set"].([]any), func(p any) bool { return isInterface(p, name) })
	}
	prefix, wild := strings.CutSuffix(pattern.(string), "*")
	return wild && strings.HasPrefix(name, prefix) || name == prefix
}

func (p *kernelPacket) mangle(text string) {
	var mark uint32
	switch n, _ := fmt.Sscanf(text, `{"key":{"ct":{"key":"mark"}},"value":{"|":[{"ct":{"key":"mark"}},%d]}}`, &mark); {
	case n == 1:
		p.mark |= mark
	case !strings.HasPrefix(text, `{"key":{"meta":{"key":"mark"}}`):
		p.err = fmt.Errorf("unknown statement %s", text)
	}
}

// inText is JSON again, with its keys sorted.
func inText(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // it was JSON
	return strings.TrimSpace(text.String())
}

// kernelView is what nft's listing makes of every flow.
func (f *fire) kernelView() (view, *kernelTable, error) {
	f.t.Helper()
	table, err := f.readTable()
	if err != nil {
		return nil, nil, err
	}
	v := f.net.view(func(src, dst netip.Addr) rules.Outcome {
		outcome, problem := table.lookup(src, dst)
		if err == nil {
			err = problem
		}
		return outcome
	})
	return v, table, err
}

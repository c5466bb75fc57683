package rules_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/snatd/snatd/rules"
)

// TestCompilerAgain: what a Compiler remembers shows in nothing that it makes.
func TestCompilerAgain(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var some []rules.Decision
	for i := range 12 {
		d := module(fmt.Sprintf("m%d", i%3), entries(exclude, cidrs(20)[i:i+1+random.IntN(8)]...))
		some = append(some, d)
	}
	some = append(some, rules.Decision{Module: "none"})
	decisions := func() (all []rules.Decision) {
		for range random.IntN(4) {
			d := some[random.IntN(len(some))]
			if random.IntN(4) == 0 { // equal, and elsewhere
				d.Entries = append([]rules.Entry{}, d.Entries...)
			}
			all = append(all, d)
		}
		if random.IntN(200) == 0 {
			all = append(all, module("bad", entries(exclude, "fd00::/8")))
		}
		return append(all, excluding("10.0.0.0/16"))
	}
	network := network()
	var compiler rules.Compiler
	compiled, refused := 0, 0
	node, pods := decisions(), map[int][]rules.Decision{}
	for range 300 {
		switch random.IntN(20) {
		case 0:
			network.Primary = netip.AddrFrom4([4]byte{10, 0, 0, byte(10 + random.IntN(2))})
		case 1:
			network.Uncounted = !network.Uncounted
		case 2:
			node = decisions()
		default:
			if pod := random.IntN(30); random.IntN(3) == 0 {
				delete(pods, pod)
			} else {
				pods[pod] = decisions()
			}
		}
		var decided []rules.Decided
		for pod := range 30 {
			if d, ok := pods[pod]; ok {
				addr := netip.AddrFrom4([4]byte{10, 0, 1, byte(pod)})
				decided = append(decided, rules.Decided{Subject: rules.Subject{Name: fmt.Sprint(pod), Addr: addr}, Decisions: d})
			}
		}
		got, err := compiler.Compile(network, node, decided)
		want, wantErr := rules.Compile(network, node, decided)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("error %v, want %v", err, wantErr)
		}
		if err != nil {
			refused++
			node, pods = one(excluding()), map[int][]rules.Decision{}
			continue
		}
		compiled++
		if d := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}), cmpopts.IgnoreUnexported(rules.Class{})); d != "" {
			t.Fatalf("compiled again (-fresh +again):\n%s", d)
		}
		if got.Digest() != want.Digest() {
			t.Fatal("another digest")
		}
	}
	t.Logf("%d compiled, %d refused", compiled, refused)
	if compiled < 100 {
		t.Errorf("only %d compilations compared", compiled)
	}
}

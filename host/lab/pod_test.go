package lab

import (
	"net/netip"
	"testing"
)

func TestAddPod(t *testing.T) {
	l := newLab(t)
	for _, test := range []struct {
		name        string
		addr        string
		onSecondary bool
	}{
		{"web", "10.0.2.7", false},
		{"worker", "10.0.66.8", true},
	} {
		pod, err := l.AddPod(t.Context(), test.name, netip.MustParseAddr(test.addr), test.onSecondary)
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range []*Host{l.Internet, l.PodA, l.PodB} {
			for _, proto := range every {
				seen, err := Exchange(t.Context(), pod, proto, netip.AddrPortFrom(to.Addr, Port))
				if err != nil {
					t.Error(err)
				} else if seen != pod.Addr {
					t.Errorf("%s from %s to %s: seen as %s, want %s", proto, pod.Name, to.Name, seen, pod.Addr)
				}
			}
		}
	}
}

func TestPodInterface(t *testing.T) {
	a, b := podInterface("pod-a"), podInterface("pod-b")
	if a == b || len(a) != 14 || a[:3] != "eni" {
		t.Errorf("interfaces %q, %q: want different ones of 14 characters that begin with eni", a, b)
	}
}

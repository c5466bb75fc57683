package kubernetes

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/snatd/snatd/host/facts"
)

// object is a running pod as the API server tells of it.
func object(change func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "web", Labels: map[string]string{"app": "web"}, Annotations: map[string]string{"note": "x"},
		},
		Spec:   corev1.PodSpec{ServiceAccountName: "seller", NodeName: "node-a"},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "10.0.1.5", PodIPs: []corev1.PodIP{{IP: "10.0.1.5"}, {IP: "fd00::5"}}},
	}
	if change != nil {
		change(p)
	}
	return p
}

func TestConvertPod(t *testing.T) {
	want := facts.Pod{
		Namespace: "shop", Name: "web", IP: netip.MustParseAddr("10.0.1.5"), ServiceAccount: "seller", Phase: "Running",
		Labels: map[string]string{"app": "web"}, Annotations: map[string]string{"note": "x"},
	}
	with := func(change func(*facts.Pod)) facts.Pod {
		p := want
		change(&p)
		return p
	}
	waiting := with(func(p *facts.Pod) { p.IP, p.Phase = netip.Addr{}, "Pending" })
	for _, c := range []struct {
		name   string
		change func(*corev1.Pod)
		family string
		want   facts.Pod
	}{
		{"as it is", nil, "ipv4", want},
		{"only podIP", func(p *corev1.Pod) { p.Status.PodIPs = nil }, "ipv4", want},
		{"IPv6 first", func(p *corev1.Pod) {
			p.Status.PodIP, p.Status.PodIPs = "fd00::5", []corev1.PodIP{{IP: "fd00::5"}, {IP: "10.0.1.5"}}
		}, "ipv4", want},
		{"IPv6 cluster", nil, "ipv6", with(func(p *facts.Pod) { p.IP = netip.MustParseAddr("fd00::5") })},
		{"no address yet", func(p *corev1.Pod) { p.Status = corev1.PodStatus{Phase: corev1.PodPending} }, "ipv4", waiting},
		{"host network", func(p *corev1.Pod) { p.Spec.HostNetwork = true }, "ipv4", with(func(p *facts.Pod) { p.HostNetwork = true })},
		{"being deleted", func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{Time: time.Now()} }, "ipv4", want},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, keep, err := convertPod(object(c.change), c.family)
			if err != nil || !keep {
				t.Fatalf("kept %v, %v", keep, err)
			}
			if diff := cmp.Diff(c.want, got.Pod, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A pod that has ended is gone, whatever else is wrong with it.
func TestEndedPod(t *testing.T) {
	for _, phase := range []corev1.PodPhase{corev1.PodSucceeded, corev1.PodFailed} {
		_, keep, err := convertPod(object(func(p *corev1.Pod) { p.Status.Phase, p.Status.PodIP = phase, "bad" }), "ipv4")
		if keep || err != nil {
			t.Errorf("%s: kept %v, %v", phase, keep, err)
		}
	}
}

func TestBadPod(t *testing.T) {
	for _, c := range []struct {
		change func(*corev1.Pod)
		want   string
	}{
		{func(p *corev1.Pod) { p.Status.PodIP = "10.0.1" }, `status.podIPs: "10.0.1" is not an address, accepted: an IP address, such as 10.0.0.10`},
		{func(p *corev1.Pod) { p.Status.PodIP, p.Status.PodIPs = "fd00::5", nil }, "ip: fd00::5 of shop/web is IPv6 in an IPv4 cluster, accepted: an IPv4 address, such as 10.0.1.5"},
		{func(p *corev1.Pod) { p.Annotations["large"] = strings.Repeat("x", 1<<20) }, "annotations: 1048586 bytes, accepted: at most 262144 together"},
		{func(p *corev1.Pod) { p.Status.Phase = "Odd" }, `phase: "Odd", accepted: Pending, Running, Unknown; a pod that has ended is none`},
	} {
		if _, _, err := convertPod(object(c.change), "ipv4"); err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func TestSettle(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	make := func(name, ip, phase string, created time.Time) pod {
		p := pod{facts.Pod{Namespace: "a", Name: name, Phase: phase}, created}
		if ip != "" {
			p.IP = netip.MustParseAddr(ip)
		}
		return p
	}
	host := make("host", "10.0.0.5", "Running", at(9))
	host.HostNetwork = true
	pods := []pod{
		make("alone", "10.0.0.1", "Running", at(1)),
		make("old", "10.0.0.2", "Running", at(1)), make("new", "10.0.0.2", "Running", at(2)), make("newest", "10.0.0.2", "Pending", at(3)),
		make("first", "10.0.0.3", "Pending", at(1)), make("second", "10.0.0.3", "Pending", at(1)),
		make("waiting", "", "Pending", at(1)), make("waiting-too", "", "Pending", at(1)),
		host, make("own", "10.0.0.5", "Running", at(1)),
	}
	conflicts := settle(pods)
	want := []string{
		"10.0.0.2 is the address of a/old and of a/new: a/new, which is newer, has it",
		"10.0.0.2 is the address of a/new and of a/newest: a/new, which is running, has it",
		"10.0.0.3 is the address of a/first and of a/second: a/second, which is as new but later in the order of names, has it",
	}
	if diff := cmp.Diff(want, conflicts); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var addresses []string
	for _, p := range pods {
		if p.IP.IsValid() {
			addresses = append(addresses, p.Name+" "+p.IP.String())
		}
	}
	owners := []string{"alone 10.0.0.1", "new 10.0.0.2", "second 10.0.0.3", "host 10.0.0.5", "own 10.0.0.5"}
	if diff := cmp.Diff(owners, addresses); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

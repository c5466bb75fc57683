package kubernetes

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/snatd/snatd/host/document"
	"github.com/snatd/snatd/host/facts"
)

// pod is a pod, with what decides whose an address is.
type pod struct {
	facts.Pod
	created time.Time
}

// convertPod keeps what facts need of a pod. One that has ended has no address
// any more, whatever its status says: another may get it within seconds.
func convertPod(object any, ipFamily string) (pod, bool, error) {
	from, ok := object.(*corev1.Pod)
	if !ok {
		return pod{}, false, fmt.Errorf("%T is not a pod", object)
	}
	if from.Status.Phase == corev1.PodSucceeded || from.Status.Phase == corev1.PodFailed {
		return pod{}, false, nil
	}
	p := pod{
		Pod: facts.Pod{
			Namespace:      from.Namespace,
			Name:           from.Name,
			HostNetwork:    from.Spec.HostNetwork,
			ServiceAccount: from.Spec.ServiceAccountName,
			Phase:          string(from.Status.Phase),
			Labels:         from.Labels,
			Annotations:    from.Annotations,
		},
		created: from.CreationTimestamp.Time,
	}
	var err error
	if p.IP, err = address(from.Status, ipFamily); err != nil {
		return pod{}, false, err
	}
	return p, true, p.Check(ipFamily)
}

// address is the pod's first address of the family, or what it has instead; the
// zero Addr if it has none yet.
func address(status corev1.PodStatus, ipFamily string) (netip.Addr, error) {
	texts := []string{status.PodIP}
	for _, ip := range status.PodIPs {
		texts = append(texts, ip.IP)
	}
	var found netip.Addr
	for _, text := range texts {
		if text == "" {
			continue
		}
		addr, err := document.ParseAddr(text)
		if err != nil {
			return netip.Addr{}, fmt.Errorf("status.podIPs: %w", err)
		}
		if addr.Is4() == (ipFamily == "ipv4") {
			return addr, nil
		}
		found = addr
	}
	return found, nil
}

// settle leaves each address to one pod, and tells of those that lose theirs: the
// node gives an address to another pod before the API server has heard that the
// one before it is gone.
func settle(pods []pod) (conflicts []string) {
	owners := map[netip.Addr]int{}
	for i := range pods {
		p := &pods[i]
		if p.HostNetwork || !p.IP.IsValid() {
			continue
		}
		before, claimed := owners[p.IP]
		if !claimed {
			owners[p.IP] = i
			continue
		}
		winner, loser := i, before
		if compare(pods[before], *p) > 0 {
			winner, loser = before, i
		}
		owners[p.IP] = winner
		conflicts = append(conflicts, fmt.Sprintf("%s is the address of %s and of %s: %s, which is %s, has it",
			p.IP, pods[before].FullName(), p.FullName(), pods[winner].FullName(), advantage(pods[winner], pods[loser])))
		pods[loser].IP = netip.Addr{}
	}
	return conflicts
}

// compare is positive if a has the better claim: it runs, and began later.
func compare(a, b pod) int {
	return cmp.Or(running(a)-running(b), a.created.Compare(b.created), strings.Compare(a.FullName(), b.FullName()))
}

func running(p pod) int {
	return slices.Index([]string{string(corev1.PodUnknown), string(corev1.PodPending), string(corev1.PodRunning)}, p.Phase)
}

// advantage is why a pod has a better claim than another.
func advantage(winner, loser pod) string {
	switch {
	case running(winner) != running(loser):
		return strings.ToLower(winner.Phase)
	case !winner.created.Equal(loser.created):
		return "newer"
	}
	return "as new but later in the order of names"
}

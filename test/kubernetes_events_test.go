package test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/test/kube"
)

// events are those of the node that the API server has.
func (c *cluster) events(reason string) []corev1.Event {
	c.t.Helper()
	list, err := c.server.Admin().CoreV1().Events("default").List(c.t.Context(), metav1.ListOptions{
		FieldSelector: "involvedObject.kind=Node,involvedObject.name=" + c.node.Name + ",reason=" + reason,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return list.Items
}

// waitEvent waits until the API server has an event of the node.
func (c *cluster) waitEvent(reason, text string) {
	c.t.Helper()
	c.wait("the event "+reason, func() error {
		all := c.events(reason)
		for _, e := range all {
			if strings.Contains(e.Message, text) {
				if e.Type != corev1.EventTypeWarning || e.Source.Component != "snatd" || e.InvolvedObject.UID != "" && string(e.InvolvedObject.UID) != c.node.Name {
					c.t.Errorf("event %+v", e)
				}
				return nil
			}
		}
		return fmt.Errorf("%d events: %v", len(all), all)
	})
}

// What the cluster's operators should know of a node are events of it, for which the
// service account's rights suffice.
func TestKubernetesEvents(t *testing.T) {
	nstest.Need(t, "nft", "nftables")
	c := withCluster(t, kube.Shared(t))
	if err := c.damage(`add table ip theirs
		add chain ip theirs out { type nat hook postrouting priority srcnat; }
		add rule ip theirs out oifname "eth0" masquerade`); err != nil {
		t.Fatal(err)
	}
	c.pod("web", lab.PodA, false)
	c.run()
	c.waitSynced()
	c.waitEvent("SNATNeighbourTranslates", "ip theirs")
	c.write("policies.d/20-broken.wasm", "no module")
	c.waitEvent("SNATModuleProblem", "module 20-broken.wasm: ")
	c.configure("snat: {randomize: bogus}")
	c.waitEvent("SNATConfigurationRefused", "snat.randomize")
	// What is good and waits for a start is none.
	c.configure("history: {directory: " + c.path("history") + "}")
	c.waitProblem("history.directory: the change takes effect")
	c.write("policies.d/30-broken.wasm", "no module")
	c.waitEvent("SNATModuleProblem", "module 30-broken.wasm: ") // they come in order
	for _, e := range c.events("SNATConfigurationRefused") {
		if strings.Contains(e.Message, "history") {
			t.Errorf("event %+v", e)
		}
	}
	if log := c.log.String(); strings.Contains(log, "takes no events") {
		t.Error(log)
	}
}

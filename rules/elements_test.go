package rules_test

import (
	"testing"

	"github.com/snatd/snatd/rules"
)

func TestElements(t *testing.T) {
	vpc := excluding("10.0.0.0/16", "172.31.0.0/16")
	for name, c := range map[string]struct {
		ruleset *rules.Ruleset
		want    rules.Elements
	}{
		"nothing": {nil, rules.Elements{}},
		"a node":  {mustCompile(t, network(), one(vpc)), rules.Elements{Destinations: 2}},
		"a pod that differs": {mustCompile(t, network(), one(vpc), pod("x/a", "10.0.1.1", excluding("10.0.0.0/16"))),
			rules.Elements{Pods: 1, Destinations: 3}},
		// The pod is looked up for its class and for its source.
		"a pod with a source of its own": {mustCompile(t, network(), one(vpc), pod("x/a", "10.0.1.1", egress("198.51.100.0/24", "10.0.0.11"), vpc)),
			rules.Elements{Pods: 2, Destinations: 5, Sources: 1}},
	} {
		if got := c.ruleset.Elements(); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

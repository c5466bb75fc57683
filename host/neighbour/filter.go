package neighbour

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// rpStrict is the value of rp_filter that drops packets whose source is not routed to
// where they come from.
const rpStrict = 1

// lookFilter finds a strict reverse path filter on the primary interface. Answers to
// translated connections of pods on other interfaces come by it too.
func lookFilter(node Node) ([]Finding, error) {
	ofAll, err := rpFilter("all")
	if err != nil {
		return nil, err
	}
	own, err := rpFilter(node.PrimaryInterface)
	if err != nil {
		return nil, err
	}
	// The kernel takes the larger.
	if max(ofAll, own) != rpStrict {
		return nil, nil
	}
	return []Finding{{Kind: StrictFilter,
		Message: fmt.Sprintf("the reverse path filter of %s is strict: answers to translated connections may be dropped", node.PrimaryInterface),
		Fix:     fmt.Sprintf("set net.ipv4.conf.%s.rp_filter to 2, which is loose; the larger of this and of all counts", node.PrimaryInterface)}}, nil
}

// rpFilter reads the value for an interface in the namespace of the calling thread.
func rpFilter(name string) (int, error) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/conf/" + name + "/rp_filter")
	if err != nil {
		return 0, fmt.Errorf("reverse path filter of %s: %w", name, err)
	}
	value, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("reverse path filter of %s: %w", name, err)
	}
	return value, nil
}

package test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
)

// A large node: each pod is in one of 100 classes, which are the combinations of two
// labels. Each label's module excludes networks of its own.
const (
	scaleLabels  = 10 // of each of two kinds
	scaleClasses = scaleLabels * scaleLabels
	scalePods    = 750
	scaleCIDRs   = 10_000
)

// scale is a daemon and what it is told.
type scale struct {
	*daemon
	random *rand.Rand
	pods   map[int]int // the class of each, by number
	more   []int       // numbers of networks that the configuration excludes beside the modules'
	told   *changeLog
}

// scaleNetwork is a network of a module, of 2 x scaleLabels, or of the configuration
// with number 2 x scaleLabels. They do not touch each other.
func scaleNetwork(module, i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(20 + module), byte(i >> 7), byte(i << 1), 0}), 24)
}

func scalePod(number int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 0, byte(4 + number/200), byte(1 + number%200)})
}

// routePods has the node send packets to all of them by one pod's interface.
func (s *scale) routePods() {
	s.t.Helper()
	routes, err := s.lab.Node.Netlink().RouteGet(lab.PodA.AsSlice())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, network := range []string{"10.0.4.0/22", "10.0.8.0/22"} {
		to := &netlink.Route{LinkIndex: routes[0].LinkIndex, Dst: ipNet(netip.MustParsePrefix(network)), Scope: netlink.SCOPE_LINK}
		if err := s.lab.Node.Netlink().RouteAdd(to); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *scale) writeFacts() {
	s.t.Helper()
	var text strings.Builder
	text.WriteString("vpc: {cidrs: [10.0.0.0/16]}\npods:\n")
	for number := range 2 * scalePods {
		if class, there := s.pods[number]; there {
			fmt.Fprintf(&text, "- {namespace: default, name: pod-%d, ip: %s, labels: {a%d: \"\", b%d: \"\"}}\n",
				number, scalePod(number), class/scaleLabels, class%scaleLabels)
		}
	}
	s.write("facts.yaml", text.String())
}

func (s *scale) writeConfig() {
	s.t.Helper()
	var list []netip.Prefix
	for _, i := range s.more {
		list = append(list, scaleNetwork(2*scaleLabels, i))
	}
	s.setConfig(baseConfig + "snat: {excludeCIDRs: " + inJSON(s.t, list) + "}\n")
}

// changeLog collects how many operations the changes in the daemon's log have.
type changeLog struct {
	logBuffer
	reading    sync.Mutex
	operations []int
}

var changeLine = regexp.MustCompile(`msg="rules changed" operations=(\d+) `)

// Write gets whole lines.
func (l *changeLog) Write(lines []byte) (int, error) {
	for line := range bytes.Lines(lines) {
		m := changeLine.FindSubmatch(line)
		if m == nil {
			_, _ = l.logBuffer.Write(line) // never fails
			continue
		}
		operations, _ := strconv.Atoi(string(m[1])) // digits
		l.reading.Lock()
		l.operations = append(l.operations, operations)
		l.reading.Unlock()
	}
	return len(lines), nil
}

// count is how many changes take would return.
func (l *changeLog) count() int {
	l.reading.Lock()
	defer l.reading.Unlock()
	return len(l.operations)
}

func (l *changeLog) some() error {
	if l.count() == 0 {
		return errors.New("nothing")
	}
	return nil
}

// take returns the changes since the last call.
func (l *changeLog) take() []int {
	l.reading.Lock()
	defer l.reading.Unlock()
	operations := l.operations
	l.operations = nil
	return operations
}

// applied is how long all transactions took together.
func (s *scale) applied() time.Duration {
	s.t.Helper()
	seconds, err := s.sample("snatd_apply_seconds_sum")
	if err != nil {
		s.t.Fatal(err)
	}
	return time.Duration(seconds * float64(time.Second))
}

// objects counts what the kernel has in the table. Its text has a line for each rule and
// for some elements.
type objects struct{ chains, maps, elements, lines int }

// objects reads the table at once, which readTable does not: nft reads all of it for each
// object that it lists.
func (s *scale) objects() (o objects) {
	s.t.Helper()
	text, err := s.nft("", "list", "table", "ip", rules.TableName)
	if err != nil {
		s.t.Fatalf("%v: %s", err, text)
	}
	for _, object := range named.FindAllStringSubmatch(text, -1) {
		if object[1] == "map" {
			o.maps++
		} else {
			o.chains++
		}
	}
	o.elements, o.lines = strings.Count(text, " : "), strings.Count(text, "\n")
	return o
}

// TestFireScale: on a large node nothing grows with the number of changes, and what
// a pod's change costs is one element.
func TestFireScale(t *testing.T) {
	nstest.Need(t, "nft", "nftables")
	s := &scale{random: fireRandom(t), daemon: prepare(t), pods: map[int]int{}, told: &changeLog{}}
	s.routePods()
	perModule := fireSize(scaleCIDRs/10, scaleCIDRs) / (2 * scaleLabels)
	for module := range 2 * scaleLabels {
		var list []string
		for i := range perModule {
			list = append(list, scaleNetwork(module, i).String())
		}
		label := fmt.Sprintf("%c%d", "ab"[module/scaleLabels], module%scaleLabels)
		s.dropInExample("exclude-by-label", fmt.Sprintf("%d-%s", 10+module, label),
			fmt.Sprintf("config: {label: %s, cidrs: %q}\n", label, strings.Join(list, ", ")))
	}
	for number := range scalePods {
		s.pods[number] = number % scaleClasses
	}
	s.writeFacts()
	s.writeConfig()
	s.begin()

	before, changes := s.objects(), fireSize(150, 5000)
	var resident []int
	var pods []time.Duration
	start := time.Now()
	for done := range changes {
		applied := s.applied()
		if what, want := s.change(); want > 0 {
			s.wait("the log to tell of "+what, func() error { return s.told.some() })
			if made := s.told.take(); !slices.Equal(made, []int{want}) {
				t.Errorf("change %d, %s: transactions of %d operations, want one of %d", done, what, made, want)
			}
			if want == 1 {
				pods = append(pods, s.applied()-applied)
			}
		} else if what != "" {
			s.wait("the log to tell of "+what, func() error { return s.told.some() })
			s.told.take()
		}
		resident = append(resident, s.resident())
	}
	took := time.Since(start)
	s.restore()
	if after := s.objects(); after != before {
		t.Errorf("the kernel has %+v after all changes are undone, and had %+v", after, before)
	}
	s.report(before, resident, pods)
	t.Logf("%d changes in %s", changes, took.Round(time.Millisecond))
}

// begin starts the daemon and waits until it has decided for all.
func (s *scale) begin() {
	s.t.Helper()
	s.log = &s.told.logBuffer
	s.launchWith(s.told)
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("the daemon's log:\n%s", s.log)
		}
	})
	s.waitReady()
	s.wait("all modules to decide", func() error {
		status, err := s.client.Status(s.t.Context())
		active := 0
		for _, module := range status.Modules {
			if module.State == "active" {
				active++
			}
		}
		if err == nil && (active != 2*scaleLabels+1 || len(status.Classes) != scaleClasses+1 || len(status.Problems) > 0 || status.Pods != scalePods) {
			err = fmt.Errorf("%d modules, %d classes, %d pods, problems %v", active, len(status.Classes), status.Pods, status.Problems)
		}
		if logged := s.told.count(); err == nil && uint64(logged) != status.Changes {
			err = fmt.Errorf("%d changes, of which the log tells %d", status.Changes, logged)
		}
		return err
	})
	s.told.take()
}

// change makes a random change and waits for it. It returns how many operations that
// takes; zero if it says nothing of pods.
func (s *scale) change() (what string, operations int) {
	s.t.Helper()
	number := s.random.IntN(2 * scalePods)
	class, there := s.pods[number]
	switch kind := s.random.IntN(20); {
	case kind == 0: // a network more or less, for all classes
		i := s.random.IntN(20)
		action := "exclude"
		if at := slices.Index(s.more, i); at >= 0 {
			s.more, action = slices.Delete(s.more, at, at+1), "translate"
		} else {
			s.more = append(s.more, i)
		}
		s.writeConfig()
		s.waitAction(scalePod(0), scaleNetwork(2*scaleLabels, i).Addr(), action)
		return "a network", 0
	case kind < 4 && there && s.members(class) > 1: // another class
		s.pods[number] = (class + 1 + s.random.IntN(scaleClasses-1)) % scaleClasses
		s.writeFacts()
		s.waitClass(number)
		return fmt.Sprintf("pod %d from class %d to %d", number, class, s.pods[number]), 2
	case there && s.members(class) > 1:
		delete(s.pods, number)
		s.writeFacts()
		s.waitSubject(number, "node")
		return fmt.Sprintf("pod %d is gone", number), 1
	case there:
		return "", 0
	}
	s.pods[number] = s.random.IntN(scaleClasses)
	s.writeFacts()
	s.waitSubject(number, fmt.Sprintf("default/pod-%d", number))
	return fmt.Sprintf("pod %d comes", number), 1
}

func (s *scale) members(class int) (n int) {
	for _, c := range s.pods {
		if c == class {
			n++
		}
	}
	return n
}

func (s *scale) waitSubject(number int, subject string) {
	s.t.Helper()
	s.wait(fmt.Sprintf("%s to be decided for as %s", scalePod(number), subject), func() error {
		e, err := s.client.Explain(s.t.Context(), scalePod(number).String(), outside.String())
		if err == nil && e.Subject != subject {
			err = fmt.Errorf("decided for as %s", e.Subject)
		}
		return err
	})
}

// waitClass waits until a pod is decided for by its class's modules and no others.
func (s *scale) waitClass(number int) {
	s.t.Helper()
	for module := range 2 * scaleLabels {
		class, action := s.pods[number], "translate"
		if module == class/scaleLabels || module == scaleLabels+class%scaleLabels {
			action = "exclude"
		}
		s.waitAction(scalePod(number), scaleNetwork(module, 0).Addr(), action)
	}
}

// restore undoes all changes.
func (s *scale) restore() {
	s.t.Helper()
	s.more = nil
	s.writeConfig()
	s.pods = map[int]int{}
	for number := range scalePods {
		s.pods[number] = number % scaleClasses
	}
	s.writeFacts()
	s.waitSubject(0, "default/pod-0")
	for number := range 2 * scalePods {
		if number < scalePods {
			s.waitSubject(number, fmt.Sprintf("default/pod-%d", number))
		} else {
			s.waitSubject(number, "node")
		}
	}
	for number := range scaleClasses {
		s.waitClass(number)
	}
	for i := range 20 {
		s.waitAction(scalePod(0), scaleNetwork(2*scaleLabels, i).Addr(), "translate")
	}
}

// Bounds of what is measured.
const (
	mostGrowth = 16 << 20         // of the daemon, from one half of the changes to the next
	mostApply  = time.Millisecond // for one pod, where nothing else takes the machine's time
)

func (s *scale) report(o objects, resident []int, pods []time.Duration) {
	s.t.Helper()
	half, quarter := len(resident)/2, len(resident)/4
	earlier, later := slices.Max(resident[quarter:half]), slices.Max(resident[half:])
	s.t.Logf("%+v; resident %d MiB at first, at most %d MiB in the second quarter, %d MiB in the second half",
		o, resident[0]>>20, earlier>>20, later>>20)
	if later-earlier > mostGrowth {
		s.t.Errorf("the daemon grew by %d MiB from the second quarter of the changes to the second half", (later-earlier)>>20)
	}
	slices.Sort(pods)
	at := func(hundredth int) time.Duration { return pods[len(pods)*hundredth/100] }
	s.t.Logf("%d changes of one element: %s for one, %s for 10 of 100, %s for 50, %s for 99", len(pods), pods[0], at(10), at(50), at(99))
	// However busy the machine is, one of them had it to itself.
	if pods[0] > mostApply {
		s.t.Errorf("one element takes at least %s, want at most %s", pods[0], mostApply)
	}
}

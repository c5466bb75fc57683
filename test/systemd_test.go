package test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
)

// systemd is a node where systemd runs snatd, as examples/deploy/systemd says.
type systemd struct {
	*daemon // its lab only
	*machine
	// open are connections that must outlive everything.
	open []*openConn
}

// Everything that becomes of a daemon under systemd, in one life of a node: what its page
// says is executed as it is printed, and after each step connections that were open go on
// and new ones are decided as before.
func TestSystemd(t *testing.T) {
	nstest.Need(t, "nft", "nftables")
	network := &daemon{t: t, lab: newLab(t)}
	s := &systemd{network, boot(t, network.lab.Node), nil}
	// As on a node with a firewall: the kernel tracks connections before snatd is there.
	if err := s.damage("add table ip firewall; add chain ip firewall forward { type filter hook forward priority 0; }; " +
		"add rule ip firewall forward ct state established accept"); err != nil {
		t.Fatal(err)
	}
	read, err := os.ReadFile("../examples/deploy/systemd/README.md")
	if err != nil {
		t.Fatal(err)
	}
	page, whole := string(read), t
	s.open = append(s.open, s.daemon.open(s.lab.PodA, lab.TCP, lab.Internet))
	if s.open[0].seen.Addr() != lab.PodA {
		t.Fatalf("without snatd a pod is seen as %s", s.open[0].seen)
	}
	for _, step := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"start", func(t *testing.T) {
			out := s.do(section(t, page, "Install"))
			if !strings.Contains(out, "healthy: the kernel holds what facts and modules demand\n") {
				t.Error(out)
			}
			if unit := s.show("Type", "NotifyAccess", "StatusText"); unit != "notify main healthy: the kernel holds what facts and modules demand" {
				t.Error(unit)
			}
			s.see(s.lab.PodA, lab.TCP, lab.Peered, lab.NodePrimary)
			defer s.tell(s.tell(whole)) // they outlive this step
			for _, pod := range []*lab.Host{s.lab.PodA, s.lab.PodB} {
				s.open = append(s.open, s.daemon.open(pod, lab.TCP, lab.Internet))
			}
		}},
		{"rights", s.rights},
		{"exposure", func(t *testing.T) { s.exposure(t, page) }},
		{"drop-in", func(t *testing.T) {
			printed := section(t, page, "Change something")
			policy, group, ok := strings.Cut(printed, "install -d /etc/systemd")
			if !ok {
				t.Fatal(printed)
			}
			s.do(policy)
			s.eventuallySeen(t, s.lab.PodA, lab.Peered, lab.PodA)
			if out := s.do("snatd status"); !strings.Contains(out, "run compiled") {
				t.Error(out)
			}
			s.do("install -d /etc/systemd" + group)
			if who := s.do("stat --format='%G %a' /run/snatd/snatd.sock"); who != "adm 660" {
				t.Errorf("the socket is of %s", who)
			}
		}},
		{"reload", s.reload},
		{"restart", func(t *testing.T) {
			before := s.show("MainPID")
			s.do("systemctl restart snatd && test -d /var/lib/snatd/history/1")
			if after := s.show("MainPID"); after == before {
				t.Errorf("it is process %s as before", after)
			}
		}},
		{"stop", func(t *testing.T) {
			s.do("systemctl stop snatd")
			if state := s.show("ActiveState", "Result"); state != "inactive success" {
				t.Error(state)
			}
			s.check(t)
			s.do("systemctl start snatd")
		}},
		{"kill", func(t *testing.T) {
			s.do("systemctl kill --kill-whom=main --signal=KILL snatd")
			s.eventuallyRestarted(t)
		}},
		{"hang", s.hang},
		{"upgrade", func(t *testing.T) {
			s.do(section(t, page, "Upgrade"))
			running := s.do("stat --dereference --format=%i /proc/" + s.show("MainPID") + "/exe")
			if installed := s.do("stat --format=%i /usr/local/bin/snatd"); running != installed {
				t.Errorf("file %s runs, file %s is installed", running, installed)
			}
		}},
		{"interpreted", func(t *testing.T) {
			s.override("MemoryDenyWriteExecute=yes")
			if out := s.do("snatd status"); !strings.Contains(out, "run by an interpreter") {
				t.Error(out)
			}
			s.check(t)
			s.override("")
		}},
	} {
		if !t.Run(step.name, func(t *testing.T) {
			defer s.tell(s.tell(t))
			step.run(t)
			s.check(t)
		}) {
			t.Fatalf("the journal:\n%s", s.do("journalctl --no-pager --unit=snatd"))
		}
	}
	s.remove(t, section(t, page, "Remove"))
}

// section is the commands that a page prints under a heading.
func section(t *testing.T, page, heading string) string {
	t.Helper()
	_, text, ok := strings.Cut(page, "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("there is no heading %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	commands := strings.Join(regexp.MustCompile(`(?m)^    .*\n`).FindAllString(text, -1), "")
	if commands == "" {
		t.Fatalf("%s: no commands are printed", heading)
	}
	return strings.ReplaceAll("\n"+commands, "\n    ", "\n")
}

// tell makes what fails be told to a test, and returns to whom it was told before.
func (s *systemd) tell(t *testing.T) (before *testing.T) {
	before = s.machine.t
	s.daemon.t, s.machine.t = t, t
	return before
}

// show is what systemd says of the unit.
func (s *systemd) show(properties ...string) string {
	s.machine.t.Helper()
	var values []string
	for _, p := range properties {
		values = append(values, s.do("systemctl show --value --property="+p+" snatd"))
	}
	return strings.Join(values, " ")
}

// check looks that the daemon is running and well or stopped as it should be, that open
// connections go on as they were, and how new ones are seen.
func (s *systemd) check(t *testing.T) {
	t.Helper()
	for _, conn := range s.open {
		conn.check(t)
	}
	for _, pod := range []*lab.Host{s.lab.PodA, s.lab.PodB} {
		s.see(pod, lab.TCP, lab.VPC, pod.Addr)
		s.see(pod, lab.TCP, lab.Internet, lab.NodePrimary)
	}
}

// eventuallySeen waits until a peer sees that address.
func (s *systemd) eventuallySeen(t *testing.T, from *lab.Host, to, want netip.Addr) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s to be seen as %s by %s", from.Name, want, to), func() error {
		seen, err := lab.Exchange(t.Context(), from, lab.TCP, netip.AddrPortFrom(to, lab.Port))
		if err == nil && seen != want {
			err = fmt.Errorf("it is seen as %s", seen)
		}
		return err
	})
}

// eventuallyRestarted waits until systemd has started the daemon again by itself, and checks
// what packets meet meanwhile.
func (s *systemd) eventuallyRestarted(t *testing.T) {
	t.Helper()
	s.check(t)
	eventually(t, "systemd to start the daemon again", func() error {
		if state := s.show("NRestarts", "ActiveState", "SubState"); strings.HasPrefix(state, "0 ") || !strings.HasSuffix(state, " active running") {
			return errors.New(state)
		}
		return nil
	})
}

// rights checks what the daemon may do: the unit gives it one capability.
func (s *systemd) rights(t *testing.T) {
	status := s.do("cat /proc/" + s.show("MainPID") + "/status")
	for _, line := range []string{`Uid:\t[1-9].*`, `CapPrm:\t0000000000001000`, `CapEff:\t0000000000001000`, `CapBnd:\t0000000000001000`, `NoNewPrivs:\t1`, `Seccomp:\t2`} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(status) {
			t.Errorf("%s is not what the kernel says:\n%s", line, status)
		}
	}
}

// exposure holds the unit at the exposure that its page states, by the systemd of the machine.
func (s *systemd) exposure(t *testing.T, page string) {
	if out := s.do("systemd-analyze verify /etc/systemd/system/snatd.service"); out != "" {
		t.Errorf("systemd warns: %s", out)
	}
	out := s.do("systemd-analyze security --no-pager --offline=true --threshold=18 /etc/systemd/system/snatd.service")
	found := regexp.MustCompile(`Overall exposure level for snatd.service: (\S+)`).FindStringSubmatch(out)
	if found == nil || !strings.Contains(page, "an exposure of "+found[1]+" ") {
		t.Errorf("the page states another exposure than %q", found)
	}
}

// reload changes what no notification tells of, and has it read.
func (s *systemd) reload(t *testing.T) {
	before := s.show("MainPID")
	s.do(`sed 's|cidrs: \[|&198.51.100.0/24, |' /etc/snatd/facts.yaml >/tmp/facts.yaml
mount --bind /tmp/facts.yaml /etc/snatd/facts.yaml
systemctl reload snatd`)
	s.eventuallySeen(t, s.lab.PodA, lab.Internet, lab.PodA)
	for _, conn := range s.open {
		conn.check(t)
	}
	s.do(`umount /etc/snatd/facts.yaml
systemctl reload snatd`)
	s.eventuallySeen(t, s.lab.PodA, lab.Internet, lab.NodePrimary)
	if after := s.show("MainPID", "NRestarts", "SubState"); after != before+" 0 running" {
		t.Errorf("process %s reloads: %s", before, after)
	}
}

// hang stops the daemon without ending it.
func (s *systemd) hang(t *testing.T) {
	s.override("WatchdogSec=4s")
	s.do("systemctl kill --kill-whom=main --signal=STOP snatd")
	s.eventuallyRestarted(t)
	journal := s.do("journalctl --no-pager --unit=snatd")
	for _, line := range []string{"Watchdog timeout", "SIGABRT", "goroutine 1 "} {
		if !strings.Contains(journal, line) {
			t.Errorf("the journal does not have %q:\n%s", line, journal)
		}
	}
	s.override("")
}

// override starts the daemon with a line more in its unit, or with none.
func (s *systemd) override(line string) {
	s.machine.t.Helper()
	s.do("printf '[Service]\n" + line + "\n' >/etc/systemd/system/snatd.service.d/test.conf\nsystemctl daemon-reload\nsystemctl restart snatd")
}

// remove takes all away again.
func (s *systemd) remove(t *testing.T, commands string) {
	for _, conn := range s.open {
		conn.Close()
	}
	s.do(commands)
	if held := s.kernel(); held != (kernel{}) {
		t.Errorf("the kernel holds %+v", held)
	}
	s.see(s.lab.PodA, lab.TCP, lab.Internet, lab.PodA)
	if left := s.do("find / -xdev -name '*snatd*' -not -path '/proc/*' -not -path '/src/*' -not -path '/var/log/*'"); left != "" {
		t.Errorf("files are left: %s", left)
	}
}

package test

import (
	encoding "encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// ear is the daemon's socket that hears what others do in nf_tables.
type ear struct {
	port  uint32
	inode string
}

// ear finds it in the kernel's list: no other socket is subscribed to that.
func (d *daemon) ear() (e ear, err error) {
	d.t.Helper()
	var text []byte
	err = d.lab.Node.Do(func() (err error) {
		text, err = os.ReadFile("/proc/thread-self/net/netlink")
		return err
	})
	for line := range strings.Lines(string(text)) {
		// Its first columns are the address, the protocol, the port and the groups.
		var protocol, groups uint32
		fields := strings.Fields(line)
		_, scanned := fmt.Sscanf(strings.Join(fields[1:4], " "), "%d %d %x", &protocol, &e.port, &groups)
		if scanned == nil && protocol == unix.NETLINK_NETFILTER && groups == 1<<(unix.NFNLGRP_NFTABLES-1) {
			e.inode = fields[len(fields)-1]
			return e, err
		}
	}
	return ear{}, errors.Join(err, fmt.Errorf("nobody hears:\n%s", text))
}

// waitEar waits until the daemon hears, by another socket than before.
func (d *daemon) waitEar(before ear) (now ear) {
	d.t.Helper()
	d.wait("the daemon to hear", func() (err error) {
		if now, err = d.ear(); err == nil && now.inode == before.inode {
			err = errors.New("it is the same socket")
		}
		return err
	})
	return now
}

// shout sends the socket an error, which is what the kernel never does to one that only
// hears.
func (d *daemon) shout(at ear) {
	d.t.Helper()
	const header = 16
	message := make([]byte, 2*header+4)
	encoding.NativeEndian.PutUint32(message, uint32(len(message)))
	encoding.NativeEndian.PutUint16(message[4:], unix.NLMSG_ERROR)
	failed := -int32(unix.EIO)
	encoding.NativeEndian.PutUint32(message[header:], uint32(failed))
	err := d.lab.Node.Do(func() error {
		socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
		if err != nil {
			return err
		}
		defer unix.Close(socket)
		return unix.Sendto(socket, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: at.port})
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// narrow leaves the socket room for next to nothing.
func (d *daemon) narrow(e ear) {
	d.t.Helper()
	process, err := unix.PidfdOpen(d.process.PID(), 0)
	if err != nil {
		d.t.Fatal(err)
	}
	defer unix.Close(process)
	directory := fmt.Sprintf("/proc/%d/fd", d.process.PID())
	entries, err := os.ReadDir(directory)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, entry := range entries {
		var number int
		target, _ := os.Readlink(directory + "/" + entry.Name()) // it may be closed by now
		if _, err := fmt.Sscan(entry.Name(), &number); err != nil || target != "socket:["+e.inode+"]" {
			continue
		}
		socket, err := unix.PidfdGetfd(process, number, 0)
		if err != nil {
			d.t.Fatal(err)
		}
		defer unix.Close(socket)
		if err := unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_RCVBUF, 1); err != nil {
			d.t.Fatal(err)
		}
		return
	}
	d.t.Fatalf("the daemon has no socket %s", e.inode)
}

// deaf is a daemon whose table others can change, and that looks at it only when it is
// told to.
func deaf(t *testing.T) (d *daemon, rules string) {
	t.Helper()
	d = prepare(t)
	d.setConfig("network: {protect: \"off\", verify: 0s}")
	d.run()
	d.waitReady()
	rules, err := d.rules()
	if err != nil {
		t.Fatal(err)
	}
	return d, rules
}

// waitHealed waits until so much was put right, and the table is what it was.
func (d *daemon) waitHealed(repairs uint64, rules string) {
	d.t.Helper()
	d.wait("the rules to be put right", func() error {
		got, err := d.rules()
		if err == nil && got != rules {
			err = fmt.Errorf("the table is\n%s", got)
		}
		status, asked := d.client.Status(d.t.Context())
		if asked == nil && status.Repairs != repairs {
			asked = fmt.Errorf("%d repairs, want %d; the last %+v", status.Repairs, repairs, status.Repaired)
		}
		return errors.Join(err, asked)
	})
}

// A subscription that ends is a problem until there is another one, and what others did
// until then is found.
func TestHearingEnds(t *testing.T) {
	d, rules := deaf(t)
	ear := d.waitEar(ear{})
	const told = "what others do to snatd's rules is not told"
	for n := range uint64(3) {
		d.shout(ear)
		d.wait("the end of the subscription to be told", func() error {
			if log := d.log.String(); strings.Count(log, told) < 2*int(n)+1 { // and that it is mended
				return errors.New(log)
			}
			return nil
		})
		ear = d.waitEar(ear)
		if err := d.damage("delete", "table", "ip", "snatd"); err != nil {
			t.Fatal(err)
		}
		d.waitHealed(n+1, rules)
	}
	d.wait("the problem to be mended", func() error {
		status, err := d.client.Status(t.Context())
		if err == nil && len(status.Problems) > 0 {
			err = fmt.Errorf("problems %v", status.Problems)
		}
		return err
	})
	if log := d.log.String(); strings.Count(log, told) != 6 {
		t.Errorf("the log tells of the ends %d times", strings.Count(log, told))
	}
}

// What did not fit is not missed, and what comes afterwards is heard.
func TestHearingOverflows(t *testing.T) {
	d, rules := deaf(t)
	d.narrow(d.waitEar(ear{}))
	for n := range uint64(3) {
		// More than the smallest buffer takes, at once.
		var flood strings.Builder
		flood.WriteString("flush ruleset\n")
		for i := range 200 {
			fmt.Fprintf(&flood, "add table ip other\nadd chain ip other a-chain-whose-name-takes-room-%d\n", i)
		}
		if out, err := d.nft(flood.String(), "-f", "-"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		d.waitHealed(n+1, rules)
	}
}

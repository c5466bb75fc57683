package flow

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/nstest"
)

func TestFlowsAreWhatTheyAre(t *testing.T) {
	l := newLab(t)
	l.node.Sysctl("netfilter/nf_conntrack_timestamp", "1")
	began := time.Now()
	translated, kept, byService := l.connect(outside), l.connect(private), l.connect(service)
	for _, test := range []struct {
		conn                  *net.TCPConn
		destination, endpoint string
		source                string
		mark                  uint32
	}{
		{translated, outside, outside, primaryAddr, testMark},
		{kept, private, private, podAddr, 0},
		{byService, service, outside, primaryAddr, testMark},
	} {
		as, err := seen(test.conn)
		if err != nil {
			t.Fatal(err)
		}
		f := l.only(test.destination)
		if f.Started.Before(began.Add(-time.Second)) || f.Started.After(time.Now().Add(time.Second)) {
			t.Errorf("%s: started %s", test.destination, f.Started)
		}
		if f.Timeout == 0 || f.entry == "" {
			t.Errorf("%s: timeout %d, entry %q", test.destination, f.Timeout, f.entry)
		}
		f.Timeout, f.Started, f.entry = 0, time.Time{}, ""
		want := Flow{
			Protocol: "tcp", State: "established", Mark: test.mark,
			Source:      test.conn.LocalAddr().(*net.TCPAddr).AddrPort(),
			Destination: netip.MustParseAddrPort(test.destination + ":80"),
			Endpoint:    netip.MustParseAddrPort(test.endpoint + ":80"),
			Seen:        netip.MustParseAddrPort(as),
		}
		if f != want {
			t.Errorf("%+v, want %+v", f, want)
		}
		if f.Seen.Addr().String() != test.source || f.Translated() != (test.source == primaryAddr) {
			t.Errorf("%s is seen as %s, translated %v", test.destination, f.Seen, f.Translated())
		}
	}
}

// What the tool of the kernel's authors lists is what we list.
func TestListIsThatOfConntrack(t *testing.T) {
	l := newLab(t)
	nstest.Need(t, "conntrack", "conntrack")
	for range 20 {
		l.connect(outside)
		l.connect(private)
	}
	l.pod.Do(func() {
		for port := range 20 {
			conn, err := net.Dial("udp4", net.JoinHostPort(outside, strconv.Itoa(1000+port)))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			fmt.Fprint(conn, "hello")
		}
	})
	l.ping(outside)
	for _, mark := range []uint32{0, testMark} {
		var want, got []string
		// The tool tells how many they are in between, as an error.
		command := "conntrack -L -f ipv4 2>/dev/null"
		if mark != 0 {
			command += fmt.Sprintf(" -m %#x/%#x", mark, mark)
		}
		for line := range strings.Lines(l.node.Run("sh", "-c", command)) {
			fields := strings.Fields(line)
			addresses := slices.DeleteFunc(slices.Clone(fields), func(s string) bool {
				return !strings.HasPrefix(s, "src=") && !strings.HasPrefix(s, "dst=")
			})
			if len(addresses) == 4 {
				want = append(want, fields[0]+" "+strings.Join(addresses, " "))
			}
		}
		for _, f := range l.list(mark) {
			got = append(got, fmt.Sprintf("%s src=%s dst=%s src=%s dst=%s", f.Protocol,
				f.Source.Addr(), f.Destination.Addr(), f.Endpoint.Addr(), f.Seen.Addr()))
		}
		slices.Sort(want)
		slices.Sort(got)
		if len(got) < 41 || !slices.Equal(got, want) {
			t.Errorf("mark %#x: %d connections\n%s\nwant %d\n%s", mark, len(got), strings.Join(got, "\n"), len(want), strings.Join(want, "\n"))
		}
	}
	// 20 of TCP, 20 of UDP, one ping.
	if live, err := l.table.LiveNAT(testMark, true); live != 41 || err != nil {
		t.Errorf("%d live connections, error %v", live, err)
	}
	if live, err := l.table.LiveNAT(testMark<<1, true); live != 0 || err != nil {
		t.Errorf("%d live connections with another mark, error %v", live, err)
	}
}

// What came to a node port of a pod needs its mark too, also where its source is kept.
// What came to the node itself does not, nor does what carries another of the marks.
func TestLiveNAT(t *testing.T) {
	l := newLab(t)
	l.node.Run("nft", `table ip ports {
		chain nodeports { type filter hook prerouting priority mangle
			iifname "ens5" ip daddr `+primaryAddr+` ct direction original ct mark set ct mark | 0x80; }
		chain services { type nat hook prerouting priority dstnat; tcp dport 30080 dnat to `+podAddr+`:80; }
	}`)
	l.pod.TellClients()
	l.node.TellClients()
	live := func(want int, mark uint32, others ...uint32) {
		t.Helper()
		if n, err := l.table.LiveNAT(mark, true, others...); n != want || err != nil {
			t.Errorf("%d connections with mark %#x and none of %#x, error %v, want %d", n, mark, others, err, want)
		}
	}
	dial := func(port string) net.Conn {
		t.Helper()
		var conn net.Conn
		var err error
		l.server.Do(func() { conn, err = net.DialTimeout("tcp4", primaryAddr+":"+port, time.Minute) })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if as, err := seen(conn); err != nil || netip.MustParseAddrPort(as).Addr() != conn.LocalAddr().(*net.TCPAddr).AddrPort().Addr() {
			t.Errorf("port %s: seen as %s, error %v", port, as, err)
		}
		return conn
	}
	dial("80")
	if marked := l.list(testMark); len(marked) != 1 || marked[0].Rewritten() {
		t.Errorf("%+v", marked)
	}
	live(0, testMark)
	conn := dial("30080")
	live(1, testMark)
	if n, err := l.table.LiveNAT(testMark, false); n != 0 || err != nil {
		t.Errorf("%d connections where snatd has no node ports, error %v", n, err)
	}
	live(1, testMark, testMark<<1)
	live(0, testMark<<1)
	live(0, testMark, testMark<<1, testMark)
	if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	nstest.Eventually(t, "the end of the connection", func() bool {
		n, err := l.table.LiveNAT(testMark, true)
		return n == 0 && err == nil
	})
}

func TestStates(t *testing.T) {
	l := newLab(t)
	conn := l.connect(outside)
	l.pod.Do(func() {
		for _, to := range []string{private + ":80", private + ":1"} {
			conn, err := net.Dial("udp4", to)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			fmt.Fprint(conn, "hello")
		}
	})
	if f := l.only(outside); f.State != "established" || f.Closed() {
		t.Errorf("%+v", f)
	}
	if err := conn.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	nstest.Eventually(t, "the reset connection", func() bool { return l.only(outside).Closed() })
	if f := l.only(outside); f.State != closed {
		t.Errorf("%+v", f)
	}
	if live, err := l.table.LiveNAT(testMark, true); live != 0 || err != nil {
		t.Errorf("%d live connections, error %v", live, err)
	}
	for _, f := range l.list(0) {
		if f.Protocol == "udp" && f.State != "unreplied" {
			t.Errorf("%+v", f)
		}
	}
}

func TestJSON(t *testing.T) {
	l := newLab(t)
	l.connect(service)
	f := l.only(service)
	f.Source = netip.AddrPortFrom(f.Source.Addr(), 40000)
	f.Seen = netip.AddrPortFrom(f.Seen.Addr(), 50000)
	f.Timeout = 7
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"protocol":"tcp","source":"10.0.1.5:40000","destination":"172.20.0.1:80","endpoint":"198.51.100.1:80",` +
		`"seen":"10.0.0.10:50000","state":"established","timeout":7,"mark":128}`
	if string(text) != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
}

func TestNotPermitted(t *testing.T) {
	table := (&lab{t: t}).open(nstest.New(t))
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := table.List(0, nil); err == nil {
		t.Error("a closed table lists connections")
	}
	if err := explain(unix.EPERM); !strings.Contains(err.Error(), "CAP_NET_ADMIN") {
		t.Error(err)
	}
}

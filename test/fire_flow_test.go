package test

import (
	"context"
	encoding "encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/lab"
)

const (
	// fireSenders send in each pod at once, each at most fireSlots packets that are
	// not seen yet: so they send as fast as the machine takes it, and nothing on the
	// way has to drop packets because it is full.
	fireSenders = 2
	fireSlots   = 32
	// firePort is where the packets go to. No packet is answered.
	firePort = 9
	// firePorts are the source ports of one sender: much fewer flows come in the
	// second for which the node remembers one.
	firePorts = 30_000
	// fireMost is how many flows there are at most.
	fireMost = 200_000_000
)

// flowRecord is one flow of one packet: when it was sent and seen, since the start
// of the generator, and the source that the peer saw.
type flowRecord struct {
	sent, seen time.Duration
	source     netip.Addr
	from, to   uint16 // of the net's sources and destinations
}

// generator opens new flows from all sources to all destinations.
type generator struct {
	t       *testing.T
	net     *fireNet
	started time.Time
	senders []*sender
	sockets []*os.File // of the receivers
	failed  atomic.Pointer[error]
	sent    atomic.Int64
	stopped chan struct{}
	sending sync.WaitGroup
	reading sync.WaitGroup

	mu      sync.Mutex
	records []flowRecord
	seen    int
}

// sender sends from one pod.
type sender struct {
	socket  int
	random  *rand.Rand
	sources []uint16
	port    int // the first of its source ports
	opened  int
	packet  [ipHeader + udpHeader + payload]byte
	free    chan uint16
	// pending is what was sent last in each slot; zero for those that were lost.
	pending [fireSlots]flowRecord
	lost    int
}

func newGenerator(t *testing.T, n *fireNet) *generator {
	return &generator{t: t, net: n, started: time.Now(), stopped: make(chan struct{})}
}

// start opens random flows until the test ends.
func (g *generator) start(r *rand.Rand) {
	g.t.Helper()
	g.listen()
	for _, s := range g.senders {
		s.random = rand.New(rand.NewPCG(r.Uint64(), 0))
		g.sending.Go(func() { g.send(s) })
	}
}

// listen makes all that flows need; it ends with the test.
func (g *generator) listen() {
	t := g.t
	t.Helper()
	t.Cleanup(g.close)
	for _, peer := range g.net.peers {
		socket, err := listenPackets(peer)
		if err != nil {
			t.Fatal(err)
		}
		g.sockets = append(g.sockets, socket)
	}
	for i, pod := range g.net.pods {
		for j := range fireSenders {
			s := &sender{free: make(chan uint16, fireSlots), port: 1024 + j*firePorts}
			s.prepare(uint16(len(g.senders)))
			for slot := range uint16(fireSlots) {
				s.free <- slot
			}
			for k, source := range g.net.sources {
				if source.pod == i {
					s.sources = append(s.sources, uint16(k))
				}
			}
			err := pod.Do(func() (err error) {
				s.socket, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			g.senders = append(g.senders, s)
		}
	}
	for _, socket := range g.sockets {
		g.reading.Go(func() { g.receive(socket) })
	}
}

// listenPackets makes a socket that gets every IPv4 packet that comes to a host.
func listenPackets(on *lab.Host) (*os.File, error) {
	link, err := on.Netlink().LinkByName("eth0")
	if err != nil {
		return nil, err
	}
	const protocol = unix.ETH_P_IP>>8 | unix.ETH_P_IP&0xff<<8 // in network byte order
	var socket int
	err = on.Do(func() (err error) {
		socket, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
		return err
	})
	if err != nil {
		return nil, err
	}
	// Enough for all slots; less is all that some users are given.
	if unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20) != nil {
		_ = unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20)
	}
	if err := unix.Bind(socket, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: link.Attrs().Index}); err != nil {
		_ = unix.Close(socket)
		return nil, err
	}
	return os.NewFile(uintptr(socket), on.Name), nil
}

// now is the time since the start.
func (g *generator) now() time.Duration { return time.Since(g.started) }

// fail keeps the first error of a goroutine.
func (g *generator) fail(err error) { g.failed.CompareAndSwap(nil, &err) }

// Sizes of a packet, and where in the payload things are.
const (
	ipHeader  = 20
	udpHeader = 8
	payload   = 24
)

var fireMagic = []byte("FIRE")

// prepare makes the packet that a sender sends with changes.
func (s *sender) prepare(number uint16) {
	s.packet[0], s.packet[8], s.packet[9] = 0x45, 64, unix.IPPROTO_UDP
	udp, data := s.packet[ipHeader:], s.packet[ipHeader+udpHeader:]
	encoding.BigEndian.PutUint16(udp[2:], firePort)
	encoding.BigEndian.PutUint16(udp[4:], udpHeader+payload)
	copy(data, fireMagic)
	encoding.BigEndian.PutUint16(data[4:], number)
}

// send opens flows until the generator is closed.
func (g *generator) send(s *sender) {
	// The thread, which ends with this goroutine, takes what time others leave: there
	// is no hurry to send more flows than changes can be made.
	runtime.LockOSThread()
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 19); err != nil {
		g.fail(fmt.Errorf("lower the priority: %w", err))
		return
	}
	for g.open(s, s.sources[s.random.IntN(len(s.sources))], uint16(s.random.IntN(len(g.net.destinations)))) {
	}
}

// open opens a flow as soon as there is a slot; false says that the generator is
// closed or has failed.
func (g *generator) open(s *sender, from, to uint16) bool {
	var slot uint16
	select {
	case <-g.stopped:
		return false
	case slot = <-s.free:
	}
	if g.sent.Add(1) > fireMost {
		g.fail(fmt.Errorf("more than %d flows", fireMost))
		return false
	}
	source, destination := g.net.sources[from].addr.As4(), g.net.destinations[to].to.As4()
	copy(s.packet[12:], source[:])
	copy(s.packet[16:], destination[:])
	encoding.BigEndian.PutUint16(s.packet[ipHeader:], uint16(s.port+s.opened%firePorts))
	s.opened++
	data := s.packet[ipHeader+udpHeader:]
	encoding.BigEndian.PutUint16(data[6:], slot)
	encoding.BigEndian.PutUint16(data[8:], from)
	encoding.BigEndian.PutUint16(data[10:], to)
	sent := g.now()
	encoding.BigEndian.PutUint64(data[16:], uint64(sent))
	s.pending[slot] = flowRecord{sent: sent, from: from, to: to}
	if err := unix.Sendto(s.socket, s.packet[:], 0, &unix.SockaddrInet4{Addr: destination}); err != nil {
		g.fail(fmt.Errorf("send from %v to %v: %w", source, destination, err))
		return false
	}
	return true
}

// sweep opens one flow from every source to every destination, and returns what was
// seen and what was not.
func (g *generator) sweep() (seen, lost []flowRecord) {
	g.t.Helper()
	var all sync.WaitGroup
	for i, s := range g.senders {
		all.Go(func() {
			for j, from := range s.sources {
				if j%fireSenders != i%fireSenders {
					continue // another sender's
				}
				for to := range g.net.destinations {
					if !g.open(s, from, uint16(to)) {
						return
					}
				}
			}
		})
	}
	all.Wait()
	lost, resume := g.pause()
	resume()
	return g.take(), lost
}

func (g *generator) receive(socket *os.File) {
	packet := make([]byte, 2048)
	for {
		n, err := socket.Read(packet)
		seen := g.now()
		if err != nil {
			if !errors.Is(err, os.ErrClosed) {
				g.fail(fmt.Errorf("receive: %w", err))
			}
			return
		}
		data := packet[:n]
		if n < ipHeader+udpHeader+payload || data[9] != unix.IPPROTO_UDP || string(data[ipHeader+udpHeader:][:4]) != string(fireMagic) {
			continue // somebody else's
		}
		source := netip.AddrFrom4([4]byte(data[12:]))
		data = data[ipHeader+udpHeader:]
		record := flowRecord{
			sent: time.Duration(encoding.BigEndian.Uint64(data[16:])), seen: seen, source: source,
			from: encoding.BigEndian.Uint16(data[8:]), to: encoding.BigEndian.Uint16(data[10:]),
		}
		g.mu.Lock()
		g.records = append(g.records, record)
		g.seen++
		g.mu.Unlock()
		g.senders[encoding.BigEndian.Uint16(data[4:])].free <- encoding.BigEndian.Uint16(data[6:])
	}
}

// take returns what was seen since the last call.
func (g *generator) take() []flowRecord {
	g.mu.Lock()
	defer g.mu.Unlock()
	records := g.records
	g.records = nil
	return records
}

// count is how many flows were seen.
func (g *generator) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen
}

// await waits until so many more flows are seen.
func (g *generator) await(more int) {
	g.t.Helper()
	until := g.count() + more
	eventually(g.t, "more flows to be seen", func() error {
		if err := g.failed.Load(); err != nil {
			g.t.Fatal(*err)
		}
		if count := g.count(); count < until {
			return fmt.Errorf("%d are missing, %d were sent and %d seen", until-count, g.sent.Load(), count)
		}
		return nil
	})
}

// fireLoss is how long a packet may be on its way.
const fireLoss = 3 * time.Second

// pause returns once nothing is on its way any more; resume ends the pause. What
// is lost is not waited for again.
func (g *generator) pause() (lost []flowRecord, resume func()) {
	g.t.Helper()
	back := make([][]uint16, len(g.senders))
	for i, s := range g.senders {
		// Each sender sends until here, whatever was waited for before.
		late, cancel := context.WithTimeout(g.t.Context(), fireLoss)
		for waiting := true; waiting && len(back[i])+s.lost < fireSlots; {
			select {
			case slot := <-s.free:
				back[i] = append(back[i], slot)
			case <-late.Done():
				waiting = false
			}
		}
		cancel()
		for slot := range uint16(fireSlots) {
			if p := &s.pending[slot]; !slices.Contains(back[i], slot) && p.sent != 0 {
				lost = append(lost, *p)
				*p = flowRecord{}
				s.lost++
			}
		}
	}
	if err := g.failed.Load(); err != nil {
		g.t.Fatal(*err)
	}
	return lost, func() {
		for i, s := range g.senders {
			for _, slot := range back[i] {
				s.free <- slot
			}
		}
	}
}

func (g *generator) close() {
	close(g.stopped)
	g.sending.Wait()
	for _, socket := range g.sockets {
		_ = socket.Close()
	}
	g.reading.Wait()
	for _, s := range g.senders {
		_ = unix.Close(s.socket)
	}
}

// unlucky is how many first packets the node's connection tracking has dropped on
// its own: two at a time with one translated port, or no room.
func (g *generator) unlucky() int {
	g.t.Helper()
	var text []byte
	err := g.net.Node.Do(func() (err error) {
		text, err = os.ReadFile("/proc/thread-self/net/stat/nf_conntrack")
		return err
	})
	if err != nil {
		g.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	names, sum := strings.Fields(lines[0]), 0
	for _, line := range lines[1:] {
		for i, field := range strings.Fields(line) {
			if i < len(names) && (names[i] == "insert_failed" || names[i] == "drop") {
				n, err := strconv.ParseUint(field, 16, 32)
				if err != nil {
					g.t.Fatal(err)
				}
				sum += int(n)
			}
		}
	}
	return sum
}

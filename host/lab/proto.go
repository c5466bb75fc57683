package lab

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Proto is a protocol that hosts answer on.
type Proto string

// The protocols. The question on each is any line, datagram or payload; the
// answer is the address, and port, that it was seen to come from.
const (
	TCP  Proto = "tcp"
	UDP  Proto = "udp"
	ICMP Proto = "icmp" // echo; the answer has port 0
)

// Patience is how long a question waits for its answer if the context has no
// deadline: far longer than an answer takes, which is less than a millisecond.
const Patience = 30 * time.Second

// question is what clients send.
const question = "who am I?\n"

// answerTo is a peer's answer to who asked from addr.
func answerTo(addr netip.AddrPort) []byte {
	return []byte(netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()).String() + "\n")
}

func parseAnswer(text []byte) (netip.AddrPort, error) {
	seen, err := netip.ParseAddrPort(strings.TrimSpace(string(text)))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("not an answer: %w", err)
	}
	return seen, nil
}

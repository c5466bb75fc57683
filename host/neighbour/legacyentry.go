package neighbour

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Of linux/netfilter_ipv4/ip_tables.h and x_tables.h: socket options, and where what is
// in struct ipt_getinfo, ipt_get_entries and ipt_entry.
const (
	legacyGetInfo    = 64
	legacyGetEntries = 65
	infoLength       = 84
	infoHooks        = 32
	infoHookEntries  = 36
	infoSize         = 80
	entriesHeader    = 40
	entriesSize      = 32

	entryLength       = 112
	entrySource       = 0
	entryDestination  = 4
	entrySourceMask   = 8
	entryDestMask     = 12
	entryIn           = 16
	entryOut          = 32
	entryInMask       = 48
	entryOutMask      = 64
	entryInverted     = 83
	entryTargetOffset = 88
	entryNextOffset   = 90
	targetName        = 2
	targetNameLength  = 29
	targetData        = 32

	invertedIn, invertedOut, invertedSource, invertedDestination = 0x01, 0x02, 0x08, 0x10
)

// legacyEntry is a rule of iptables-legacy.
type legacyEntry struct {
	chain  string
	target string
	header []byte
}

func (e legacyEntry) translates() bool {
	return slices.Contains([]string{"MASQUERADE", "SNAT", "NETMAP"}, e.target)
}

// mayMatch tells that neither addresses nor interfaces keep the rule from a packet.
func (e legacyEntry) mayMatch(p packet) bool {
	inverted := func(bit byte) bool { return e.header[entryInverted]&bit != 0 }
	source := p.source.As4()
	destination := e.header[entryDestination : entryDestination+len(source)]
	oneAddress := native(e.header[entryDestMask:]) == math.MaxUint32
	toPod := oneAddress && p.pods[string(destination)]
	return (!toPod || inverted(invertedDestination)) &&
		e.masked(source[:], entrySource, entrySourceMask) != inverted(invertedSource) &&
		e.masked(interfaceName(p.in), entryIn, entryInMask) != inverted(invertedIn) &&
		e.masked(interfaceName(p.out), entryOut, entryOutMask) != inverted(invertedOut)
}

// masked compares a value, in the bits of the mask, with that in the rule.
func (e legacyEntry) masked(value []byte, at, mask int) bool {
	for i, b := range value {
		if (b^e.header[at+i])&e.header[mask+i] != 0 {
			return false
		}
	}
	return true
}

// readLegacy reads a table of the namespace of the calling thread.
func readLegacy(table string) ([]legacyEntry, error) {
	// Any socket of IPv4 will do, and a raw one would need CAP_NET_RAW.
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(socket) }()
	for range tries {
		info := make([]byte, infoLength)
		copy(info, table)
		if err := getOption(socket, legacyGetInfo, info); err != nil {
			return nil, err
		}
		size := native(info[infoSize:])
		entries := make([]byte, entriesHeader+size)
		copy(entries, table)
		binary.NativeEndian.PutUint32(entries[entriesSize:], size)
		err := getOption(socket, legacyGetEntries, entries)
		if err == nil {
			return parseLegacy(entries[entriesHeader:], hookChains(info))
		}
		if !errors.Is(err, unix.EAGAIN) { // of another size by now
			return nil, err
		}
	}
	return nil, unix.EAGAIN
}

func getOption(socket, option int, b []byte) error {
	length := uint32(len(b))
	_, _, code := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(socket), unix.SOL_IP, uintptr(option),
		uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&length)), 0)
	if code != 0 {
		return code
	}
	return nil
}

// hookChains are the chains of the hooks by where their first entry is.
func hookChains(info []byte) map[int]string {
	chains := map[int]string{}
	for i, name := range []string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"} {
		if native(info[infoHooks:])&(1<<i) != 0 {
			chains[int(native(info[infoHookEntries+4*i:]))] = name
		}
	}
	return chains
}

var errLegacy = errors.New("entries of another form than known")

// parseLegacy goes through the entries. One with the target ERROR begins a chain, or is
// the end.
func parseLegacy(b []byte, hooks map[int]string) ([]legacyEntry, error) {
	var entries []legacyEntry
	chain := ""
	for at := 0; at < len(b); {
		e := b[at:]
		if len(e) < entryLength {
			return nil, errLegacy
		}
		target := int(binary.NativeEndian.Uint16(e[entryTargetOffset:]))
		next := int(binary.NativeEndian.Uint16(e[entryNextOffset:]))
		if target < entryLength || next < target+targetData || next > len(e) {
			return nil, errLegacy
		}
		if name, begins := hooks[at]; begins {
			chain = name
		}
		if name := text(e[target+targetName:][:targetNameLength]); name == "ERROR" {
			chain = text(e[target+targetData : next])
		} else {
			entries = append(entries, legacyEntry{chain, name, e[:entryLength]})
		}
		at += next
	}
	return entries, nil
}

package api

import (
	"net"
	"net/http"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// knowing is a listener whose connections tell, as their remote address, which user asks.
type knowing struct{ net.Listener }

func (k knowing) Accept() (net.Conn, error) {
	conn, err := k.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return known{conn, asker(userOf(conn))}, nil
}

type known struct {
	net.Conn
	by asker
}

func (k known) RemoteAddr() net.Addr { return k.by }

// asker is the number of a user, as an address.
type asker string

func (a asker) Network() string { return "unix" }
func (a asker) String() string  { return string(a) }

// userOf is the number of the user who made a connection; empty where the kernel does not
// say.
func userOf(conn net.Conn) string {
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return ""
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		return ""
	}
	by := ""
	_ = raw.Control(func(fd uintptr) {
		if peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			by = strconv.FormatUint(uint64(peer.Uid), 10)
		}
	})
	return by
}

// mayChange says whether a request is root's, or of the user who runs the daemon.
func mayChange(r *http.Request) bool {
	return r.RemoteAddr == "0" || r.RemoteAddr == strconv.Itoa(os.Geteuid())
}

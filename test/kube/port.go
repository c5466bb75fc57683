package kube

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"

	"golang.org/x/sys/unix"
)

// listenFunc is a function like net.Listen.
type listenFunc func(network, address string) (net.Listener, error)

// Ports below those that the kernel gives to clients. A client that tries again
// and again to reach a port of the others, where nobody listens for now, would
// one day be given that port itself, and keep it.
const firstPort, endPort = 20000, 32768

// listenAnywhere listens on a free port of 127.0.0.1.
func listenAnywhere(listen listenFunc) (net.Listener, error) {
	for {
		l, err := listen("tcp", fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(endPort-firstPort)))
		if !errors.Is(err, unix.EADDRINUSE) {
			return l, err
		}
	}
}

// freePorts are n ports of 127.0.0.1 that nobody listens on.
func freePorts(n int) ([]string, error) {
	var ports []string
	for range n {
		l, err := listenAnywhere(net.Listen)
		if err != nil {
			return nil, err
		}
		// Not before all are found, so that they differ.
		defer func() { _ = l.Close() }() // nobody has connected to it
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}

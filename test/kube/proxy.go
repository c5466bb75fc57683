package kube

import (
	"net"
	"sync"
)

// Proxy is a way to a server that can be cut. It passes TCP on, from a port that
// may be in another network namespace.
type Proxy struct {
	server *Server
	listen listenFunc

	mu       sync.Mutex
	listener net.Listener // nil while refusing
	address  string
	conns    map[net.Conn]bool
	flowing  chan struct{} // closed while bytes may pass
}

// ServeOn makes a proxy that listens by means of a function like net.Listen, for
// example in another network namespace. The function is called with a free
// address of 127.0.0.1, and by Accept with the same again. The proxy ends with the
// test.
func (s *Server) ServeOn(t T, listen func(network, address string) (net.Listener, error)) *Proxy {
	t.Helper()
	listener, err := listenAnywhere(listen)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{
		server:  s,
		listen:  listen,
		address: listener.Addr().String(),
		conns:   map[net.Conn]bool{},
		flowing: make(chan struct{}),
	}
	close(p.flowing)
	p.accept(listener)
	t.Cleanup(func() {
		p.Refuse()
		p.Resume() // who waits sees that its connection is gone
	})
	return p
}

// Address is where the proxy listens: an address and a port.
func (p *Proxy) Address() string { return p.address }

// Refuse ends all connections and refuses new ones, until Accept.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close() // it has nothing to lose
		p.listener = nil
	}
	for conn := range p.conns {
		_ = conn.Close() // to cut it off is what this is for
	}
	clear(p.conns)
}

// Accept accepts connections again.
func (p *Proxy) Accept(t T) {
	t.Helper()
	listener, err := p.listen("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	p.accept(listener)
}

// Stall lets nothing pass until Resume. Connections stay open, and new ones are
// accepted, but nobody answers.
func (p *Proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flowing:
		p.flowing = make(chan struct{})
	default: // stalled already
	}
}

// Resume passes on what was held since Stall, and what comes.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flowing: // not stalled
	default:
		close(p.flowing)
	}
}

// pass returns when bytes may pass.
func (p *Proxy) pass() {
	p.mu.Lock()
	flowing := p.flowing
	p.mu.Unlock()
	<-flowing
}

func (p *Proxy) accept(listener net.Listener) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener = listener
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed by Refuse
			}
			go p.serve(listener, conn)
		}
	}()
}

// serve passes on what two connections say.
func (p *Proxy) serve(listener net.Listener, client net.Conn) {
	defer p.end(client)
	if !p.keep(listener, client) {
		return
	}
	p.pass()
	server, err := net.Dial("tcp", "127.0.0.1:"+p.server.port)
	if err != nil {
		return // the client sees its connection end, as with a load balancer
	}
	defer p.end(server)
	if !p.keep(listener, server) {
		return
	}
	ended := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{server, client}, {client, server}} {
		go func() {
			p.copy(way[0], way[1])
			ended <- struct{}{}
		}()
	}
	<-ended
}

// copy copies until one of both ends.
func (p *Proxy) copy(to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.pass()
		if _, failed := to.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
	}
}

// keep remembers a connection for Refuse. It tells that the listener which the
// connection belongs to is still in use.
func (p *Proxy) keep(listener net.Listener, conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != listener {
		return false
	}
	p.conns[conn] = true
	return true
}

// end ends a connection and forgets it.
func (p *Proxy) end(conn net.Conn) {
	_ = conn.Close() // what it still had, its other end has seen or will never see
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

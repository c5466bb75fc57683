package nstest

import (
	"bufio"
	"fmt"
	"net"
)

// TellClients has the namespace tell each client of its TCP port 80, line by line, from
// which address and port it sees it.
func (n *Namespace) TellClients() {
	n.t.Helper()
	var listener net.Listener
	var err error
	n.Do(func() { listener, err = net.Listen("tcp4", ":80") })
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = client.Close() }()
				for lines := bufio.NewScanner(client); lines.Scan(); {
					fmt.Fprintln(client, client.RemoteAddr())
				}
			}()
		}
	}()
}

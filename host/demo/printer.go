package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// printer shows the demo to people or to programs.
type printer interface {
	begin() error
	act(number int, a act, rows []Row) error
	end(total, wrong int, took time.Duration) error
}

// jsonPrinter writes one array of all rows at the end.
type jsonPrinter struct {
	out  io.Writer
	rows []Row
}

func (p *jsonPrinter) begin() error { return nil }

func (p *jsonPrinter) act(_ int, _ act, rows []Row) error {
	p.rows = append(p.rows, rows...)
	return nil
}

func (p *jsonPrinter) end(int, int, time.Duration) error {
	encoder := json.NewEncoder(p.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(p.rows)
}

// textPrinter writes a table for each act, as soon as it is played.
type textPrinter struct {
	out    io.Writer
	kernel fmt.Stringer
}

// picture is the network, at most as wide as the tables.
const picture = `A VPC in network namespaces of this process, with the real snatd on its node:

  node                                            +-- vpc         10.0.128.20    10.0.0.0/16
  pod-a 10.0.1.5  --- eth0 10.0.0.10  primary --- +-- second cidr 100.64.0.20    100.64.0.0/16
  pod-b 10.0.65.6 --- eth1 10.0.64.10 --------- --+-- peered vpc  172.31.0.20    172.31.0.0/16
                                                  +-- internet    198.51.100.20

Between them is what EC2 has too: a packet whose source is not its interface's is dropped. Each
line below is asked over tcp, udp and icmp; the answer is the source that the peer saw.
`

func (p *textPrinter) begin() error {
	_, err := fmt.Fprintf(p.out, "%s\n%s", p.kernel, picture)
	return err
}

func (p *textPrinter) act(number int, a act, rows []Row) error {
	var text strings.Builder
	fmt.Fprintf(&text, "\nAct %d: %s\n", number, a.title)
	for _, line := range wrap(a.about, width-2) {
		fmt.Fprintf(&text, "  %s\n", line)
	}
	text.WriteString("\n")
	table(&text, linesOf(rows))
	_, err := io.WriteString(p.out, text.String())
	return err
}

func (p *textPrinter) end(total, wrong int, took time.Duration) error {
	var err error
	if wrong == 0 {
		_, err = fmt.Fprintf(p.out, "\nAll %d exchanges were seen as they should be (%s).\n", total, took.Round(10*time.Millisecond))
	}
	return err
}

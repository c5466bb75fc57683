package test

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/snatd/snatd/rules"
)

// Things that other programs do to the daemon's table.
var disturbances = []string{
	"flush ruleset",
	"flush table ip " + rules.TableName,
	"delete table ip " + rules.TableName,
	"flush map ip " + rules.TableName + " pods",
	"flush chain ip " + rules.TableName + " prerouting",
}

// disturb does one of these, and waits until the table is what it was. Where the
// kernel lets nobody but the daemon at the table, flows go on meanwhile, and must not
// notice. It says whether that is so.
func (f *fire) disturb() (protected bool) {
	f.t.Helper()
	what := disturbances[f.random.IntN(len(disturbances))]
	before := f.tableText()
	input := what
	if what == disturbances[0] {
		input += "\n" + f.servicesText() // what else is flushed comes back in the same transaction
	}
	resume, protected := func() {}, strings.Contains(before, "owner")
	if !protected {
		var lost []flowRecord
		lost, resume = f.flows.pause()
		f.history.lost(lost, f.flows.unlucky()-f.unlucky)
	}
	out, _ := f.nft(input, "-f", "-") // refused where the table is protected
	f.wait("the table to be what it was before "+what, func() error {
		if now := f.tableText(); now != before {
			return fmt.Errorf("nft says %q, the table is\n%s\nand was\n%s", out, now, before)
		}
		return nil
	})
	resume()
	return protected
}

// servicesText is what makes the lab's services again.
func (f *fire) servicesText() string {
	f.t.Helper()
	text, err := f.nft("", "list", "table", "ip", "services")
	if err != nil {
		f.t.Fatalf("%v: %s", err, text)
	}
	return text
}

var counted = regexp.MustCompile(`packets \d+ bytes \d+`)

// tableText is what nft lists of the table, but for what packets change.
func (f *fire) tableText() string {
	f.t.Helper()
	text, err := f.nft("", "list", "table", "ip", rules.TableName)
	if err != nil {
		return err.Error() + ": " + text
	}
	return counted.ReplaceAllString(text, "")
}

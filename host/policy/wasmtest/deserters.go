package wasmtest

import (
	"fmt"
	"strings"

	"github.com/snatd/snatd/sdk/abi"
)

// deserters end before they are done.
func deserters() []Adversary {
	all := []Adversary{
		fails("trap", trap, "unreachable in $6", func(g Guest) []byte { return g.Decide(0, Unreachable) }),
		fails("trap-after-excludes", trap, "unreachable in $6", func(g Guest) []byte {
			return g.Decide(0, g.Text("0.0.0.0/0"), g.Text("mine"), g.Exclude, Unreachable)
		}),
		fails("trap-with-a-long-story", trap, "unreachable in $7: "+strings.Repeat("x", 2048), func(g Guest) []byte {
			write := g.WASI("fd_write", 4)
			story := g.Place("\x08\x00\x00\x00\x88\x13\x00\x00" + strings.Repeat("x", 5000))
			return g.Decide(0, Times(0, 1000, Const(2), Const(story), Const(1), Const(20000), write, Drop), Unreachable)
		}),
		refused("trap-in-start", trap, "unreachable in $6", func(g Guest) []byte {
			g.Start(g.Func("", Sig(0, 0), Unreachable))
			return g.Decide(0)
		}),
		refused("trap-in-initialize", trap, "unreachable in $6", func(g Guest) []byte {
			g.Func(abi.Initialize, Sig(0, 0), Unreachable)
			return g.Decide(0)
		}),
		refused("trap-in-validate", trap, "unreachable in $6", func(g Guest) []byte {
			g.Func(abi.Validate, Sig(0, 1), Unreachable, Const(0))
			return g.Decide(0)
		}),
		// The second subject's evaluation would trap, were it not as new as the
		// first one's: decide calls itself once, and traps in that call.
		fails("trap-on-the-second-call", trap, "unreachable in $6, called by $6", func(g Guest) []byte {
			g.Variable()
			return g.Decide(0, GetGlobal(0), If(Unreachable), Const(1), SetGlobal(0), Call(g.Next()), Drop)
		}),
	}
	for _, code := range []int32{0, 1, -1, -2} { // the last ones are wazero's own
		for _, export := range []string{abi.Decide, abi.Validate, abi.Initialize} {
			message := fmt.Sprintf("%s exited with code %d", export, uint32(code))
			name := fmt.Sprintf("exit-%d-in-%s", uint32(code), strings.Trim(export, "_"))
			all = append(all, Adversary{Name: name, Refused: export != abi.Decide, Class: exit, Message: message, Bytes: func() []byte {
				g := NewGuest()
				leave := append(Const(code), g.WASI("proc_exit", 1)...)
				switch export {
				case abi.Decide:
					return g.Decide(0, leave)
				case abi.Validate:
					g.Func(export, Sig(0, 1), leave, Const(0))
				case abi.Initialize:
					g.Func(export, Sig(0, 0), leave)
				}
				return g.Decide(0)
			}})
		}
	}
	return all
}

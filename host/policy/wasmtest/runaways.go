package wasmtest

import (
	"slices"

	"github.com/snatd/snatd/sdk/abi"
)

// runaways never end.
func runaways() []Adversary {
	const late, often = " took longer than ", "decide made more than 1048576 function calls"
	const deep = "decide went more than 1500 calls deep"
	return []Adversary{
		fails("loop-in-decide", deadline, "decide"+late, func(g Guest) []byte { return g.Decide(0, Forever()) }),
		refused("loop-in-validate", deadline, "validate"+late, func(g Guest) []byte {
			g.Func(abi.Validate, Sig(0, 1), Forever(), Const(0))
			return g.Decide(0)
		}),
		refused("loop-in-initialize", deadline, "_initialize"+late, func(g Guest) []byte {
			g.Func(abi.Initialize, Sig(0, 0), Forever())
			return g.Decide(0)
		}),
		refused("loop-in-start", deadline, "_initialize"+late, func(g Guest) []byte {
			g.Start(g.Func("", Sig(0, 0), Forever()))
			return g.Decide(0)
		}),
		// Each turn asks the host.
		fails("loop-of-facts", deadline, "decide"+late, func(g Guest) []byte {
			return g.Decide(0, Forever(g.Text("pod.name"), Const(0), Const(0), g.Fact, Drop))
		}),
		// Time is the guest's own: an hour passes at once, a hundred thousand
		// years do not.
		fails("sleep-for-ever", deadline, "decide"+late, func(g Guest) []byte {
			sleep := sleepAnHour(g)
			return g.Decide(0, Forever(sleep, Drop))
		}),
		harmless("sleep-for-an-hour", "slept", func(g Guest) []byte {
			sleep := sleepAnHour(g)
			return g.Decide(0, sleep, If(Unreachable), g.Text(Excluded), g.Text("slept"), g.Exclude)
		}),
		fails("recursion", budget, deep, func(g Guest) []byte {
			self := g.Func("", Sig(0, 0), Call(g.Next()))
			return g.Decide(0, Call(self))
		}),
		fails("recursion-mutual", budget, deep, func(g Guest) []byte {
			first := g.Func("", Sig(0, 0), Call(g.Next()+1))
			g.Func("", Sig(0, 0), Call(first))
			return g.Decide(0, Call(first))
		}),
		// A loop in each of the calls, which never gets to its second turn.
		fails("recursion-of-loops", budget, deep, func(g Guest) []byte {
			self := g.Func("", Sig(0, 0), Forever(Call(g.Next())))
			return g.Decide(0, Call(self))
		}),
		// Two calls at each of 60 levels: neither deep nor a loop.
		fails("recursion-as-a-tree", budget, often, func(g Guest) []byte {
			less := slices.Concat(Get(0), Const(-1), Add, Call(g.Next()))
			tree := g.Func("", Sig(1, 0), Get(0), If(less, less))
			return g.Decide(0, Const(60), Call(tree))
		}),
		// Many values in each call: the stack is not part of the memory that is bounded.
		fails("recursion-with-large-frames", budget, deep, func(g Guest) []byte {
			var hundred []byte
			for range 100 {
				hundred = append(hundred, Get(0)...)
			}
			self := g.Func("", Sig(100, 0), hundred, Call(g.Next()))
			return g.Decide(0, slices.Repeat(Const(0), 100), Call(self))
		}),
		refused("tail-call", load, "invalid function[0]: return_call invalid as feature \"tail-call\" is disabled", func(g Guest) []byte {
			self := g.Func("", Sig(0, 0), ReturnCall(g.Next()))
			return g.Decide(0, Call(self))
		}),
		refused("recursion-in-start", budget, "_initialize went more than 1500 calls deep", func(g Guest) []byte {
			g.Start(g.Func("", Sig(0, 0), Call(g.Next())))
			return g.Decide(0)
		}),
	}
}

// sleepAnHour returns code that sleeps and pushes 0.
func sleepAnHour(g Guest) []byte {
	sleep := g.WASI("poll_oneoff", 4)
	// A subscription of the monotonic clock, and 3.6e12 ns from now.
	subscription := g.Place("\x00\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x01\x00\x00\x00\x00\x00\x00\x00" + "\x00\x80\x3b\x31\x46\x03\x00\x00" +
		"\x00\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00")
	return slices.Concat(Const(subscription), Const(1000), Const(1), Const(2000), sleep)
}

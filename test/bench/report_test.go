package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	r := report{
		Machine: machine{Kernel: "6.1.2", CPU: "a CPU", CPUs: 2, Go: "go1.26", Load: "0.00 0.00 0.00"},
		Rows: []row{
			newRow("apply", inTime, sample{1_234_567, 1_000_000, 2_000_000}, 0).compare("nft -f", 1.6, 1.5).compare("nothing", 12, 0),
			newRow("start", inTime, sample{3e9}, 4e9).compare("stop", 0.5, 0).slowest(sample{3e9}),
			newRow("memory", inMemory, sample{20 << 20}, 10<<20),
			{Name: "flow", NotMeasured: "no tool"},
		},
	}
	const head = "Linux 6.1.2, 2 x a CPU, go1.26; load before the run: 0.00 0.00 0.00\n"
	for _, test := range []struct {
		smoke bool
		want  string
	}{
		{false, head + `
MEASUREMENT  MEDIAN    MIDDLE HALF          RATIO            TARGET
apply        1.23 ms   1.12 ms - 1.62 ms    1.60 x nft -f    at most 1.50: MISSED
                                            12.00 x nothing
start        3.00 s    3.00 s - 3.00 s                       at most 4.00 s: met
                                            0.50 x stop
                       p99: 3.00 s
memory       20.0 MiB  20.0 MiB - 20.0 MiB                   at most 10.0 MiB: MISSED
flow                                                         not measured: no tool
`},
		{true, head + `smoke run: everything was measured once, the figures mean nothing

MEASUREMENT  MEDIAN    MIDDLE HALF          RATIO            TARGET
apply        1.23 ms   1.12 ms - 1.62 ms    1.60 x nft -f    at most 1.50
                                            12.00 x nothing
start        3.00 s    3.00 s - 3.00 s                       at most 4.00 s
                                            0.50 x stop
                       p99: 3.00 s
memory       20.0 MiB  20.0 MiB - 20.0 MiB                   at most 10.0 MiB
flow                                                         not measured: no tool
`},
	} {
		r.Smoke = test.smoke
		var text strings.Builder
		if err := r.write(&text, "text"); err != nil {
			t.Fatal(err)
		}
		if got := trimLines(text.String()); got != test.want {
			t.Errorf("smoke %v: got\n%s\nwant\n%s", test.smoke, got, test.want)
		}
	}
	if !r.incomplete() {
		t.Error("a report with a row that was not measured is said to be complete")
	}
}

// trimLines takes away the blanks with which empty cells end a line.
func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func TestText(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{inTime.text(0), "0.00 ns"},
		{inTime.text(999), "999 ns"},
		{inTime.text(10_400), "10.4 us"},
		{inTime.text(1.5e9), "1.50 s"},
		{inMemory.text(64 << 20), "64.0 MiB"},
		{inNumber.text(7), "7"},
		{thousands(5), "5"},
		{thousands(1000), "1,000"},
		{thousands(1234005), "1,234,005"},
	} {
		if test.got != test.want {
			t.Errorf("got %s, want %s", test.got, test.want)
		}
	}
}

package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/snatd/snatd/sdk"
)

// randomSets is how many sets of facts every sample decides on.
const randomSets = 10_000

// random is SplitMix64: the same numbers in every version of Go, and in few lines of
// any language.
type random uint64

func (r *random) below(n int) int {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(n))
}

func (r *random) of(texts ...string) string { return texts[r.below(len(texts))] }

// prefix is a prefix without host bits; short ones are as likely as long ones, and
// often the same.
func (r *random) prefix() string {
	bits := r.below(33)
	address := uint32(r.below(1<<16))<<16 | uint32(r.below(1<<16))
	if r.below(3) == 0 {
		bits, address = 8+r.below(3)*8, 10<<24
	}
	if bits == 0 {
		address = 0
	}
	address &= ^uint32(0) << (32 - bits)
	return fmt.Sprintf("%d.%d.%d.%d/%d", address>>24, address>>16&255, address>>8&255, address&255, bits)
}

// partners is a configuration, as a person may write it.
func (r *random) partners() string {
	var b strings.Builder
	for range 1 + r.below(8) {
		b.WriteString(r.of("", " ", "\t", "\n"))
		b.WriteString(r.prefix())
		b.WriteString(r.of(",", ", ", "\n", "\r\n", " "))
	}
	return b.String()
}

// facts are those of a subject; some are such that the sample fails.
func (r *random) facts() map[string]string {
	facts := map[string]string{
		"subject.kind": r.of("pod", "node"),
		"pod.name":     r.of("web-1", "web-2"),
	}
	if r.below(8) > 0 {
		facts["pod.label.egress"] = r.of("own", "node", "own", "node", "own", "node", "", "Own", "no\"de", "nod\u00e9")
	}
	if r.below(8) > 0 {
		var cidrs []string
		for range r.below(6) {
			cidrs = append(cidrs, r.prefix())
		}
		facts["vpc.cidrs"] = sdk.List(cidrs...)
	}
	return facts
}

// setsPerConfig is after how many sets the module is loaded with another
// configuration.
const setsPerConfig = 50

// digest is the SHA-256 of what a sample does with the random sets, a line of JSON
// for each: its entries and reads, or the class of its error.
func digest(h *host, m module) (string, error) {
	sum := sha256.New()
	lines := json.NewEncoder(sum)
	r := random(1)
	for i := range randomSets {
		if i%setsPerConfig == 0 {
			failed, err := h.load(load{Name: m.name, Wasm: m.wasm, Config: map[string]string{"partners": r.partners()}, Translate: true})
			if err != nil {
				return "", err
			}
			if failed != nil {
				return "", fmt.Errorf("random set %d: not loaded: %s: %s", i, failed.Class, failed.Message)
			}
		}
		a, err := h.ask(request{Decide: &decide{r.facts()}})
		if err != nil {
			return "", err
		}
		if a.Error != nil {
			a = answer{Error: &failure{Class: a.Error.Class}}
		}
		a.Log = nil
		if err := lines.Encode(a); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}

// wantDigest is what every sample's digest must be, in every language and for ever.
const wantDigest = "4ee88bda00b950532a91012b9a288c6cdf8a76d7be90fb9dca51be5572cf1f07"

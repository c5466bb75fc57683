package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/snatd/snatd/sdk"
)

// What every sample decides on: sets of facts, and configurations with mistakes.
const (
	randomSets    = 10_000
	randomConfigs = 300
)

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

// mistyped is a configuration with a mistake or two, or none.
func (r *random) mistyped() string {
	text := []rune(r.prefix() + r.of("", ",", " "))
	for range r.below(3) {
		at := r.below(len(text))
		text = slices.Replace(text, at, at+r.below(2), []rune(r.of("", "0", "1", "9", "99", ".", "/", ":", "-", "+", " ", "x", "é", "\u00a0", "\""))...)
	}
	return string(text)
}

// suite is something that every sample does at random. What comes of it has one SHA-256,
// in every language and for ever.
type suite struct {
	name string
	run  func(h *host, m module, r *random, lines *json.Encoder) error
	want string
}

var suites = []suite{
	{fmt.Sprintf("%d random sets of facts", randomSets), decideSets, "4ee88bda00b950532a91012b9a288c6cdf8a76d7be90fb9dca51be5572cf1f07"},
	{fmt.Sprintf("%d random configurations", randomConfigs), loadConfigs, "175cedc2f406cdfbcb87059e12b07b40c6f481c36e74c6e8744829071cb66737"},
}

// digest runs a suite on a sample.
func (s suite) digest(h *host, m module) (string, error) {
	sum, r := sha256.New(), random(1)
	if err := s.run(h, m, &r, json.NewEncoder(sum)); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}

// setsPerConfig is after how many sets the module is loaded with another
// configuration.
const setsPerConfig = 50

// decideSets writes a line for each set of facts: its entries and reads, or the class of
// its error.
func decideSets(h *host, m module, r *random, lines *json.Encoder) error {
	for i := range randomSets {
		if i%setsPerConfig == 0 {
			failed, err := h.load(load{Name: m.name, Wasm: m.wasm, Config: map[string]string{"partners": r.partners()}, Translate: true})
			if err != nil {
				return err
			}
			if failed != nil {
				return fmt.Errorf("random set %d: not loaded: %s: %s", i, failed.Class, failed.Message)
			}
		}
		a, err := h.ask(request{Decide: &decide{r.facts()}})
		if err == nil {
			err = lines.Encode(common(a))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// loadConfigs writes a line for each configuration: the entries of a pod that asks for
// its partners, or the class of the error.
func loadConfigs(h *host, m module, r *random, lines *json.Encoder) error {
	for range randomConfigs {
		failed, err := h.load(load{Name: m.name, Wasm: m.wasm, Config: map[string]string{"partners": r.mistyped()}})
		a := answer{Error: failed}
		if err == nil && failed == nil {
			a, err = h.ask(request{Decide: &decide{map[string]string{"pod.label.egress": "own"}}})
		}
		if err == nil {
			err = lines.Encode(common(a))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// common is what of an answer is the same in every language: not the words of errors.
func common(a answer) answer {
	if a.Error != nil {
		return answer{Error: &failure{Class: a.Error.Class}}
	}
	a.Log = nil
	return a
}

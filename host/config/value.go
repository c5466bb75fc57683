package config

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/snatd/snatd/host/document"
	"github.com/snatd/snatd/rules"
)

// Words that keys accept.
const (
	VPCStatic = "static" // facts.vpc
	VPCIMDS   = "imds"

	PodsKubernetes = "kubernetes" // facts.pods
	PodsStatic     = "static"
	PodsNone       = "none"

	IPv4 = "ipv4" // network.ipFamily
	IPv6 = "ipv6"

	ProtectAuto = "auto" // network.protect
	ProtectOff  = "off"

	OnChangeKeep  = "keep" // snat.onChange
	OnChangeDrain = "drain"
	OnChangeFlush = "flush"
)

// Mark is exactly one bit of a mark.
type Mark uint32

func (m Mark) String() string { return fmt.Sprintf("%#x", uint32(m)) }

// MarshalText writes it as UnmarshalText reads it.
func (m Mark) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads a number in the notations of Go: 0x80, 128, 0b10000000.
func (m *Mark) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 0, 32)
	if err != nil || bits.OnesCount64(n) != 1 {
		return fmt.Errorf("%s is not a mark, accepted: one bit of 32, such as 0x80", document.Quote(string(text)))
	}
	*m = Mark(n)
	return nil
}

// Duration is a time span.
type Duration time.Duration

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes it as UnmarshalText reads it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a duration in the notation of Go: 15s, 2m.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%s is not a duration, accepted: such as 15s", document.Quote(string(text)))
	}
	*d = Duration(parsed)
	return nil
}

// MiB is an amount of memory, in 2^20 bytes.
type MiB int

func (m MiB) String() string { return strconv.Itoa(int(m)) }

// MarshalText writes it as UnmarshalText reads it.
func (m MiB) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads a number that is enough for a module and does not take the
// node's memory.
func (m *MiB) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 4 || n > 1024 {
		return fmt.Errorf("%s is not an amount of memory, accepted: 4 to 1024, in MiB", document.Quote(string(text)))
	}
	*m = MiB(n)
	return nil
}

// Share is a part of a whole, from 0 to 1.
type Share float64

func (s Share) String() string { return strconv.FormatFloat(100*float64(s), 'g', 6, 64) + "%" }

// MarshalText writes it as UnmarshalText reads it.
func (s Share) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a percentage: 30%, 0.5%.
func (s *Share) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(string(text), "%")
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !percent || !(n >= 0 && n <= 100) {
		return fmt.Errorf("%s is not a share, accepted: 0%% to 100%%, such as 30%%", document.Quote(string(text)))
	}
	*s = Share(n / 100)
	return nil
}

// between checks a duration against what its key accepts.
func (d Duration) between(least, most time.Duration) error {
	if time.Duration(d) < least || time.Duration(d) > most {
		return fmt.Errorf("%s, accepted: %s to %s", d, least, most)
	}
	return nil
}

// orNever takes zero for never.
func (d Duration) orNever(least, most time.Duration) error {
	if d != 0 && d.between(least, most) != nil {
		return fmt.Errorf("%s, accepted: %s to %s, or 0s for never", d, least, most)
	}
	return nil
}

// words are what keys accept that are one of several words.
var words = map[string][]string{
	"facts.vpc":        {VPCStatic, VPCIMDS},
	"facts.pods":       {PodsKubernetes, PodsStatic, PodsNone},
	"network.ipFamily": {IPv4, IPv6},
	"network.protect":  {ProtectAuto, ProtectOff},
	"snat.randomize":   {string(rules.RandomizePRNG), string(rules.RandomizeHash), string(rules.RandomizeNone)},
	"snat.onChange":    {OnChangeKeep, OnChangeDrain, OnChangeFlush},
	"log.level":        {"debug", "info", "warn", "error"},
}

// Words are those that a key such as facts.vpc accepts; nil means that it is not one
// of several words.
func Words(key string) []string { return slices.Clone(words[key]) }

func checkWord(key, word string) error {
	if accepted := words[key]; !slices.Contains(accepted, word) {
		return fmt.Errorf("%s is unknown, accepted: %s", document.Quote(word), strings.Join(accepted, ", "))
	}
	return nil
}

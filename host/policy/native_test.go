package policy

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// TestNative: a native policy meets the same limits and grants, and the same
// messages, as a module.
func TestNative(t *testing.T) {
	long := strings.Repeat("x", abi.MaxKey+1)
	tests := []struct {
		name   string
		grants Grants
		policy sdk.Policy
		class  Class
		want   string
	}{
		{"fails", Grants{}, func(_ sdk.Facts, d *sdk.Decision) error {
			d.Exclude(sdk.Everywhere, "")
			return errors.New("vpc.cidrs: missing")
		}, ClassFailed, "vpc.cidrs: missing"},
		{"long key", Grants{}, func(f sdk.Facts, _ *sdk.Decision) error {
			f.Fact(long)
			f.FactKeys("a\xff")
			return errors.New("not this one")
		}, ClassLimit, "fact: a key of 1025 bytes; at most 1024"},
		{"prefix of keys that is not UTF-8", Grants{}, func(f sdk.Facts, _ *sdk.Decision) error {
			f.FactKeys("a\xff")
			return nil
		}, ClassArgument, `fact_keys: the key "a\xff" is not valid UTF-8`},
		{"translate without grant", Grants{}, func(_ sdk.Facts, d *sdk.Decision) error {
			d.Translate(sdk.Everywhere, "")
			return nil
		}, ClassGrant, `translate "0.0.0.0/0": the grant translate is missing, only exclude is allowed`},
		{"source", Grants{Translate: true}, func(_ sdk.Facts, d *sdk.Decision) error {
			d.TranslateTo(sdk.Everywhere, address("10.0.0.11"), "")
			return nil
		}, ClassGrant, `translate "0.0.0.0/0": the grant sources does not list 10.0.0.11`},
		{"reason that is not UTF-8", Grants{}, func(_ sdk.Facts, d *sdk.Decision) error {
			d.Exclude(sdk.Everywhere, "\xff")
			return nil
		}, ClassArgument, `exclude: the reason "\xff" is not valid UTF-8`},
		{"much log", Grants{}, func(_ sdk.Facts, d *sdk.Decision) error {
			for range abi.MaxLog/abi.MaxMessage + 1 {
				d.Log(sdk.LevelDebug, strings.Repeat("x", abi.MaxMessage))
			}
			return nil
		}, ClassLimit, "log: more than 65536 bytes of lines in one evaluation"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := decide(Native("test", tt.policy, tt.grants, nil), noFacts)
			wantError(t, err, tt.class, tt.want)
			if len(got.Decision.Entries) != 0 {
				t.Errorf("entries of a failed evaluation: %v", got.Decision.Entries)
			}
		})
	}
}

func TestNativePanics(t *testing.T) {
	_, err := decide(Native("test", func(sdk.Facts, *sdk.Decision) error { panic("out of luck") }, Grants{}, nil), noFacts)
	if err == nil || !strings.HasPrefix(err.Error(), "policy test: failed: panic: out of luck") {
		t.Errorf("got %v, want the panic as an error", err)
	}
}

// TestNativeConfig: a native policy has no configuration, whatever the source
// says.
func TestNativeConfig(t *testing.T) {
	p := Native("test", func(f sdk.Facts, d *sdk.Decision) error {
		f.Config("a")
		f.ConfigKeys()
		return nil
	}, Grants{}, nil)
	got, err := decide(p, sdk.Map{"config.a": "1"})
	if err != nil {
		t.Fatal(err)
	}
	want := []Read{{Key: "config.a"}, {Key: "config.", Found: true, Listing: true}}
	if diff := cmp.Diff(want, got.Reads); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}

func TestNativeLog(t *testing.T) {
	var out bytes.Buffer
	p := Native("test", func(_ sdk.Facts, d *sdk.Decision) error {
		d.Log(sdk.LevelWarn, "look here")
		return nil
	}, Grants{}, slog.New(slog.NewTextHandler(&out, nil)))
	if _, err := decide(p, noFacts); err != nil {
		t.Fatal(err)
	}
	if want := "level=WARN msg=\"look here\" module=test\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("log is %q, want %q", out.String(), want)
	}
}

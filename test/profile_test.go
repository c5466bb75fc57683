package test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
)

// profileFile is what operators give to the runtime of containers.
const profileFile = "../examples/deploy/seccomp.json"

// profile is what a runtime reads of it.
type profile struct {
	DefaultAction   string
	DefaultErrnoRet uint
	Architectures   []string
	Syscalls        []profileGroup
}

// profileGroup are calls that are allowed, by their arguments if there are any conditions.
type profileGroup struct {
	Comment string
	Names   []string
	Action  string
	Args    []struct {
		Index           uint32
		Value, ValueTwo uint64
		Op              string
	}
}

func readProfile() (p profile, err error) {
	text, err := os.ReadFile(profileFile)
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(text, &p)
}

// filter is the profile for this machine's kernel, with another way of refusing what is not
// in it, and without one call that is.
func (p profile) filter(refuse seccomp.Action, without string) (seccomp.Filter, error) {
	here, err := arch.GetInfo("")
	if err != nil {
		return seccomp.Filter{}, err
	}
	allowed := seccomp.SyscallGroup{Action: seccomp.ActionAllow}
	for _, group := range p.Syscalls {
		conditions, err := group.conditions()
		if err != nil {
			return seccomp.Filter{}, err
		}
		for _, name := range group.Names {
			called, known := callOn(here, name)
			switch {
			case name == without || !known: // a runtime leaves out what it does not know too
			case len(conditions) == 0:
				allowed.Names = append(allowed.Names, called)
			default:
				allowed.NamesWithCondtions = append(allowed.NamesWithCondtions, seccomp.NameWithConditions{Name: called, Conditions: conditions})
			}
		}
	}
	return seccomp.Filter{NoNewPrivs: true, Policy: seccomp.Policy{DefaultAction: refuse, Syscalls: []seccomp.SyscallGroup{allowed}}}, nil
}

func (g profileGroup) conditions() (all seccomp.ArgumentConditions, err error) {
	for _, arg := range g.Args {
		switch {
		case arg.Op == "SCMP_CMP_EQ":
			all = append(all, seccomp.Condition{Argument: arg.Index, Operation: seccomp.Equal, Value: arg.Value})
		case arg.Op == "SCMP_CMP_MASKED_EQ" && arg.ValueTwo == 0:
			all = append(all, seccomp.Condition{Argument: arg.Index, Operation: seccomp.BitsNotSet, Value: arg.Value})
		default:
			return nil, fmt.Errorf("a condition %+v", arg)
		}
	}
	return all, nil
}

// callOn is what the list of calls here has for a name of libseccomp's.
func callOn(machine *arch.Info, name string) (called string, known bool) {
	if _, known = machine.SyscallNames[name]; !known && name == "newfstatat" {
		name = "fstatat" // of arm64
		_, known = machine.SyscallNames[name]
	}
	return name, known
}

// The profile names calls that there are, on both architectures: a runtime leaves out
// without a word what is misspelt.
func TestProfile(t *testing.T) {
	p, err := readProfile()
	if err != nil {
		t.Fatal(err)
	}
	if p.DefaultAction != "SCMP_ACT_ERRNO" || p.DefaultErrnoRet != 1 || !slices.Equal(p.Architectures, []string{"SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"}) {
		t.Errorf("%s %d on %q", p.DefaultAction, p.DefaultErrnoRet, p.Architectures)
	}
	seen := map[string]bool{}
	for _, group := range p.Syscalls {
		if group.Action != "SCMP_ACT_ALLOW" || group.Comment == "" || !slices.IsSorted(group.Names) {
			t.Errorf("group %q: %s of %q", group.Comment, group.Action, group.Names)
		}
		for _, name := range group.Names {
			if seen[name] && len(group.Args) == 0 {
				t.Errorf("%s is there twice", name)
			}
			seen[name] = true
			for _, machine := range []string{"amd64", "arm64"} {
				info, err := arch.GetInfo(machine)
				if err != nil {
					t.Fatal(err)
				}
				// The runtime of Go sets up its threads by arch_prctl, on amd64 alone.
				if _, known := callOn(info, name); !known && name != "arch_prctl" {
					t.Errorf("there is no call %s on %s", name, machine)
				}
			}
		}
	}
}

package author

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/sdk/abi"
)

// metadata tells what the module says of itself, and whether this host can run it.
func (f findings) metadata(m *policy.Metadata, err error) {
	switch {
	case err != nil:
		f[checkMetadata] = CheckResult{State: Failed, Detail: err.Error(), Change: "write them anew: snatd policy annotate --name NAME"}
	case m == nil:
		f.ok(checkMetadata, "none; snatd policy annotate gives it a name, a version and the facts that it may read")
	case m.ABI != abi.Module:
		f[checkMetadata] = CheckResult{State: Failed, Detail: fmt.Sprintf("%s needs a host with %s, this one has %s", m, m.ABI, abi.Module),
			Change: "build it with the SDK of this version, or run a version of snatd that has it"}
	default:
		f.ok(checkMetadata, described(*m))
	}
}

// described is metadata on one line.
func described(m policy.Metadata) string {
	text := m.String()
	if m.Author != "" {
		text += " by " + m.Author
	}
	text += ", needs " + m.ABI
	if m.Facts != nil {
		text += ", may read " + cmp.Or(strings.Join(m.Facts, ", "), "nothing")
	}
	return text
}

// declared holds the facts that a module declares against those that it has read.
func (f findings) declared(m policy.Metadata, reads []policy.Read) {
	var hidden []string
	for _, r := range reads {
		key := r.Key
		if r.Listing {
			key += "*"
		}
		if !m.Declares(r) && !slices.Contains(hidden, key) {
			hidden = append(hidden, key)
		}
	}
	if len(hidden) > 0 {
		slices.Sort(hidden)
		f[checkMetadata] = CheckResult{State: Failed,
			Detail: fmt.Sprintf("%s reads %s, which it does not declare", m, strings.Join(hidden, ", ")),
			Change: "annotate it with all that it reads: --fact " + strings.Join(quoted(append(slices.Clone(m.Facts), hidden...)), " --fact ")}
		return
	}
	if idle := idle(m.Facts, reads); len(idle) > 0 {
		f.ok(checkMetadata, described(m)+"; not read on these facts: "+strings.Join(idle, ", "))
	}
}

// quoted are words for a shell.
func quoted(words []string) []string {
	list := make([]string, len(words))
	for i, word := range words {
		list[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return list
}

// idle are the globs that none of the reads is of.
func idle(globs []string, reads []policy.Read) []string {
	return slices.DeleteFunc(slices.Clone(globs), func(glob string) bool {
		return slices.ContainsFunc(reads, func(r policy.Read) bool { return policy.Covers(glob, r) })
	})
}

// reads are all that a policy has read for subjects that it decides for.
func reads(ctx context.Context, p policy.Policy, subjects []policy.Subject) ([]policy.Read, error) {
	var all []policy.Read
	for _, s := range subjects {
		e, err := p.Decide(ctx, s.Facts)
		if err != nil {
			return nil, err
		}
		all = append(all, e.Reads...)
	}
	return all, nil
}

// Package sdk is what authors of policies import: the facts about a pod, the
// decision about its traffic, and the way both cross the border of a
// WebAssembly module.
//
// A policy is a plain function. It runs in a module by Register, and natively,
// in a unit test, by Run with a Map of facts. The page FACTS.md lists the facts;
// README.md shows a policy from the first line to the module.
//
// This package is linked into every module, so it stays small: no fmt, no
// reflect, no encoding/json, and nothing but the standard library.
package sdk

//go:generate go run ./schema/gen

// Policy decides for one subject: a pod, or the pods whose facts are not known
// (yet). It reads facts and calls the methods of decision. A policy that makes
// no entry and returns nil has no opinion and leaves the subject to the policies
// behind it; after an error the host keeps the policy's last good decision.
//
// The decision must follow from the facts alone: it is remembered by the facts
// that were read, and reused.
type Policy func(facts Facts, decision *Decision) error

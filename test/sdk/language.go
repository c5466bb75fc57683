// Package sdk tests the SDKs of all languages, from their sources to decisions on this
// repository's host: their own unit tests, the conformance suite, and what their modules
// weigh and cost.
//
// A language whose compiler is missing is skipped, and fails on CI. Nothing here is of
// use to a policy.
package sdk

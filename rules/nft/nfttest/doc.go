// Package nfttest is a kernel for tests: it applies plans to tables with the
// kernel's semantics of failure, and passes packets through tables. A fake that
// accepts everything would prove nothing.
//
// Only tests use it. It knows nothing about snatd's layout or policy.
package nfttest

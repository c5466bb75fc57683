// Package netspace moves a program into namespaces of its own, and makes network
// namespaces in there, joined by cables. None has a name on the machine: each is
// held by file descriptors and threads, and gone with the process.
//
// What a namespace is used for does not live here: package lab makes a VPC of
// them, package nstest lends them to tests, and the benchmarks measure in them.
package netspace

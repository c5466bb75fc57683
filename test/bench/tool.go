package main

import "os/exec"

// installTools is what to do about a missing tool.
const installTools = "install with apt-get install nftables iptables"

// tool finds a program to compare with; ok is false if it is not installed.
func tool(name string) (path string, ok bool) {
	path, err := exec.LookPath(name)
	return path, err == nil
}

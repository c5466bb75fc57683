package main

import (
	"runtime/debug"

	"github.com/snatd/snatd/sdk/abi"
)

// version is the module's version, the commit it was built from, and the ABI
// that it serves.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown, abi " + abi.Module
	}
	text := info.Main.Version
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			text += ", commit " + setting.Value[:12]
		}
	}
	return text + ", abi " + abi.Module
}

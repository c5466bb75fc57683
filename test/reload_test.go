package test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/lab"
)

// version is a version of a small module: the code of two decisions in turn, and a
// section of its own that nobody reads.
func version(number int) string {
	wasm := excluding([]string{"172.31.0.0/16", "198.51.100.0/24"}[number%2])
	section := "\x05nonce" + fmt.Sprintf("%06d", number)
	return wasm + "\x00" + string(rune(len(section))) + section
}

// descriptors are how many the daemon has open.
func (d *daemon) descriptors() int {
	d.t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.process.PID()))
	if err != nil {
		d.t.Fatal(err)
	}
	return len(open)
}

// A module that is replaced again and again, each time by another version, costs
// the daemon what one costs.
func TestReloads(t *testing.T) {
	d := prepare(t)
	compiled, err := cache()
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(d.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	// Hundreds of compiled modules are nothing for the cache of all tests.
	d.write("config.yaml", replace(t, string(config), compiled, d.path("cache")))
	d.run()
	d.waitReady()
	d.waitLoaded()
	const settled, reloads = 200, 1000
	var memory, open int
	for i := range reloads + 1 {
		text := version(i)
		d.write("policies.d/10-small.wasm", text)
		d.waitModule("10-small.wasm", "replaced", func(m engine.ModuleStatus) bool { return m.State == "active" && m.SHA256 == hashOf(text) })
		if i%100 == 0 {
			cached, err := filepath.Glob(d.path("cache/*/*"))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("after %4d reloads: resident %d KiB, %d descriptors, %d files in the cache", i, d.resident()>>10, d.descriptors(), len(cached))
		}
		if i == settled {
			memory, open = d.resident(), d.descriptors()
		}
	}
	// An instance that stayed would be 64 KiB, its program about as much, and a
	// descriptor each.
	if grown := d.resident() - memory; grown > 16<<20 {
		t.Errorf("%d KiB more after %d reloads than after %d", grown>>10, reloads, settled)
	}
	if now := d.descriptors(); now > open+8 {
		t.Errorf("%d descriptors after %d reloads, %d after %d", now, reloads, open, settled)
	}
	d.check(world{internet: true}) // the last is the first kind
	d.waitAction(lab.PodA, lab.Peered, "exclude")
}

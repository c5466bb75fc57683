package history

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/facts"
)

// snapshot is that of a node with so many pods, of which one is another each time, as a
// source says it that reads everything anew.
func snapshot(t *testing.T, pods, time, annotation int) *facts.Snapshot {
	t.Helper()
	d := &facts.Document{VPC: facts.VPC{CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, Namespaces: []facts.Namespace{{Name: "default"}}}
	for i := range pods {
		name := fmt.Sprintf("web-%04d", i)
		if i == time%pods {
			name += fmt.Sprintf("-%d", time)
		}
		d.Pods = append(d.Pods, facts.Pod{
			Namespace: "default", Name: name, IP: netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), Phase: "Running", ServiceAccount: "default",
			Labels:      map[string]string{"app": "web", "pod-template-hash": fmt.Sprintf("%010x", i), "app.kubernetes.io/part-of": "shop"},
			Annotations: map[string]string{"example.com/checksum": strings.Repeat(fmt.Sprint(i%10), annotation)},
		})
	}
	s, err := facts.New(d, facts.Settings{IPFamily: "ipv4", PrimaryAddress: netip.MustParseAddr("10.0.0.10"), PrimaryInterface: "eth0"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// heap is what is in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A ring keeps the last changes, whatever their number, and little of what they share.
func TestRingIsBounded(t *testing.T) {
	const pods = 750
	before := heap()
	var r Ring
	for i := range 3 * mostEntries {
		r.Add(Change{Entry: Entry{Ruleset: fmt.Sprint(i)}, Config: config.Default(), Snapshot: snapshot(t, pods, i, 64)})
	}
	took := heap() - before
	entries, err := r.Entries()
	if err != nil || len(entries) != mostEntries || entries[0].Number != 2*mostEntries+1 || entries[mostEntries-1].Ruleset != fmt.Sprint(3*mostEntries-1) {
		t.Fatalf("%d entries, %v: %+v", len(entries), err, entries)
	}
	one := snapshot(t, pods, 0, 64).Size()
	t.Logf("%d changes of a node with %d pods take %d KiB; one that shares nothing %d KiB", mostEntries, pods, took>>10, one>>10)
	if most := uint64(mostEntries*pods*150 + 3*one); took > most {
		t.Errorf("%d bytes, want at most %d", took, most)
	}
	for i := 1; i < len(entries); i++ {
		if entries[i].Facts == entries[i-1].Facts {
			t.Errorf("changes %d and %d have the same facts", i-1, i)
		}
	}
	runtime.KeepAlive(&r)
}

// Of a file that facts were read from nothing stays.
func TestFilesDoNotStay(t *testing.T) {
	const pods = 100
	file := filepath.Join(t.TempDir(), "facts.yaml")
	before := heap()
	var r Ring
	for i := range mostEntries {
		whole := snapshot(t, pods, i, 8)
		text, err := whole.Encode()
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		d, err := facts.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := facts.New(d, whole.Settings)
		if err != nil {
			t.Fatal(err)
		}
		r.Add(Change{Snapshot: s})
	}
	took := heap() - before
	one := snapshot(t, pods, 0, 8).Size()
	if most := uint64(mostEntries*(pods*150+4<<10) + 3*one); took > most {
		t.Errorf("%d bytes, want at most %d", took, most)
	}
	runtime.KeepAlive(&r)
}

// What is large is kept for less long, and the last change always.
func TestRingIsBoundedInBytes(t *testing.T) {
	var r Ring
	for i := range 5 {
		r.Add(Change{Snapshot: snapshot(t, 100, i, 100<<10)})
	}
	if all := r.all(); len(all) != 3 || all[2].Number != 5 {
		t.Errorf("%d changes", len(all))
	}
	r.Add(Change{Snapshot: snapshot(t, 200, 1, 200<<10)})
	if all := r.all(); len(all) != 1 || all[0].Number != 6 {
		t.Errorf("%d changes", len(all))
	}
}

// What is kept of facts is what they were, with the digest that goes with it.
func TestFactsStay(t *testing.T) {
	var r Ring
	for i := range 3 {
		r.Add(Change{Snapshot: snapshot(t, 10, i, 1)})
	}
	entries, err := r.Entries()
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range entries {
		whole := snapshot(t, 10, i, 1)
		want, err := whole.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Facts(e.Number); err != nil || !bytes.Equal(got, want) {
			t.Errorf("change %d: %v\n%s\nwant\n%s", e.Number, err, got, want)
		}
		if digest, err := whole.Digest(); err != nil || digest != e.Facts {
			t.Errorf("change %d: digest %s, want %s, %v", e.Number, e.Facts, digest, err)
		}
	}
	if _, err := r.Facts(4); err == nil || err.Error() != "change 4: it is not kept, accepted: 1 to 3" {
		t.Error(err)
	}
	if _, err := new(Ring).Facts(1); err == nil || err.Error() != "change 1: nothing is kept yet" {
		t.Error(err)
	}
}

// On disk there are as many changes as in memory, which the next run finds, and goes on from.
func TestDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "history")
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range mostEntries + 3 {
		r.Add(Change{Entry: Entry{Result: Applied, Because: fmt.Sprint(i)}, Config: config.Default(), Snapshot: snapshot(t, 2, i, 1)})
		if err := r.save(); err != nil {
			t.Fatal(err)
		}
	}
	want, err := r.Entries()
	if err != nil {
		t.Fatal(err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != mostEntries {
		t.Errorf("%d directories, %v", len(names), err)
	}
	broken := filepath.Join(dir, "20", entryFile)
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir)
	if err == nil || !strings.Contains(err.Error(), "change 20: unexpected end of JSON") {
		t.Errorf("a broken entry: %v", err)
	}
	got, err := again.Entries()
	if err != nil || len(got) != mostEntries-1 {
		t.Fatalf("%d entries, %v", len(got), err)
	}
	if last, wanted := got[len(got)-1], want[len(want)-1]; last.Number != wanted.Number || last.Facts != wanted.Facts || last.Because != wanted.Because || !last.Time.Equal(wanted.Time) {
		t.Errorf("%+v, want %+v", last, wanted)
	}
	facts, err := r.Facts(5)
	if read, err2 := again.Facts(5); err != nil || err2 != nil || !bytes.Equal(facts, read) || !strings.Contains(string(read), "web-0000-4") {
		t.Errorf("%v, %v\n%s", err, err2, read)
	}
	again.Add(Change{Snapshot: snapshot(t, 2, 1, 1)})
	if last := again.Newest(1); len(last) != 1 || last[0].Number != mostEntries+4 {
		t.Errorf("the next is %d", last[0].Number)
	}
}

// What somebody else keeps in the directory stays, by whatever name.
func TestOthersStay(t *testing.T) {
	dir := t.TempDir()
	theirs := []string{"2024/notes.txt", "18446744073709551614/x", "7/entry.json", "name/x"}
	for _, name := range theirs {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("theirs"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open(dir)
	if err == nil {
		t.Error("what cannot be read is not told")
	}
	for range mostEntries + 3 {
		r.Add(Change{Snapshot: snapshot(t, 2, 1, 1)})
	}
	if err := r.save(); err != nil {
		t.Fatal(err)
	}
	for _, name := range theirs {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != "theirs" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if last := r.Newest(1); last[0].Number <= 2024 {
		t.Errorf("change %d is among others' directories", last[0].Number)
	}
}

// Who asks, and what writes to the disk, keep nobody from adding.
func TestRingIsShared(t *testing.T) {
	dir := t.TempDir()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var others sync.WaitGroup
	others.Go(func() { r.Run(ctx) })
	others.Go(func() {
		for ctx.Err() == nil {
			if _, err := r.Entries(); err != nil {
				t.Error(err)
			}
			for _, e := range r.Newest(1) {
				number := e.Number
				if err := r.Bundle(number, io.Discard); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for i := range mostEntries + 8 {
		r.Add(Change{Config: config.Default(), Snapshot: snapshot(t, 3, i, 1)})
	}
	stop()
	others.Wait()
	if names, err := os.ReadDir(dir); r.Err() != nil || err != nil || len(names) != mostEntries {
		t.Errorf("%d directories, %v, %v", len(names), r.Err(), err)
	}
}

// A directory that is there is not written into, and nothing is written beside it.
func TestExtract(t *testing.T) {
	var r Ring
	r.Add(Change{Config: config.Default(), Snapshot: snapshot(t, 1, 0, 1)})
	var archive bytes.Buffer
	if err := r.Bundle(1, &archive); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "one")
	if err := Extract(bytes.NewReader(archive.Bytes()), dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{entryFile, configFile, factsFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Extract(bytes.NewReader(archive.Bytes()), dir); !os.IsExist(err) {
		t.Errorf("twice: %v", err)
	}
	var outside bytes.Buffer
	w := tar.NewWriter(&outside)
	if err := errors.Join(w.WriteHeader(&tar.Header{Name: "../beside", Mode: 0o600}), w.Close()); err != nil {
		t.Fatal(err)
	}
	if err := Extract(&outside, dir+"2"); err == nil || !strings.Contains(err.Error(), `"../beside" would be outside`) {
		t.Errorf("a file beside the directory: %v", err)
	}
}

package test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/aws/ec2test"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk/abi"
)

// excluding is a small module that keeps pods' addresses towards one network.
func excluding(network string) string {
	m := wasmtest.New()
	exclude := m.Import(abi.Module, abi.Exclude, wasmtest.Sig(4, 0))
	m.Func(abi.Decide, wasmtest.Sig(0, 1), m.Text(network), m.Text("a small module"), wasmtest.Call(exclude), wasmtest.Const(0))
	return string(m.Bytes())
}

// starting is a module whose start does not end before its deadline.
func starting() string {
	m := wasmtest.New()
	m.Func(abi.Initialize, wasmtest.Sig(0, 0), wasmtest.Forever())
	m.Func(abi.Decide, wasmtest.Sig(0, 1), wasmtest.Const(1))
	return string(m.Bytes())
}

func hashOf(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// moduleIn is what a status says of one module.
func moduleIn(s api.Status, name string) engine.ModuleStatus {
	for _, m := range s.Modules {
		if m.Name == name {
			return m
		}
	}
	return engine.ModuleStatus{}
}

// waitModule waits until a condition holds for what status says of a module.
func (d *daemon) waitModule(name, what string, condition func(engine.ModuleStatus) bool) {
	d.t.Helper()
	d.wait(name+" to be "+what, func() error {
		status, err := d.client.Status(d.t.Context())
		if m := moduleIn(status, name); err == nil && !condition(m) {
			err = fmt.Errorf("it is %+v, problems %v", m, status.Problems)
		}
		return err
	})
}

// patient replaces the deadline of one evaluation by one that is so long that a
// module which never starts is loading as long as a test looks.
func (d *daemon) patient() {
	d.t.Helper()
	config, err := os.ReadFile(d.path("config.yaml"))
	if err != nil {
		d.t.Fatal(err)
	}
	text := string(config)
	if strings.Contains(text, "deadline: 250ms") {
		text = strings.Replace(text, "deadline: 250ms", "deadline: 10s", 1)
	} else {
		text = replace(d.t, text, "policies: {", "policies: {deadline: 10s, ")
	}
	d.write("config.yaml", text)
}

// A module that never ends loading keeps a first start waiting for some seconds
// only. Status says so meanwhile, and that the modules of the binary decide
// natively because they have no turn.
func TestSlowModuleAtStart(t *testing.T) {
	d := prepare(t)
	d.patient()
	d.write("policies.d/05-slow.wasm", starting())
	d.run()
	d.wait("status to say what is waited for", func() error {
		status, err := d.client.Status(t.Context())
		if err == nil && (status.Ready || status.Waiting != "waiting for modules to load: 05-slow.wasm" || moduleIn(status, "05-slow.wasm").State != "loading") {
			err = fmt.Errorf("ready is %v, waiting %q, modules %+v", status.Ready, status.Waiting, status.Modules)
		}
		return err
	})
	if text := d.screen(); !strings.Contains(text, "05-slow.wasm loading "+hashOf(starting())[:12]+"; no version decides\n") {
		t.Errorf("status:\n%s", text)
	}
	d.waitReady()
	status := d.status()
	if m := moduleIn(status, "05-slow.wasm"); m.State != "loading" || m.FileSHA256 != hashOf(starting()) || m.SHA256 != "" {
		t.Errorf("the slow module is %+v", m)
	}
	if m := moduleIn(status, "default"); m.State != "loading" || !m.Native {
		t.Errorf("the default module is %+v", m)
	}
	if len(status.Problems) > 0 {
		t.Errorf("problems %v", status.Problems)
	}
	d.check(onlyOutside)
	// Nobody waits for it any more, and it ends with its file.
	if err := os.Remove(d.path("policies.d/05-slow.wasm")); err != nil {
		t.Fatal(err)
	}
	d.dropIn("10-peering", "config: {cidrs: 172.31.0.0/16}\n")
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	d.waitLoaded()
	if m := moduleIn(d.status(), "default"); m.State != "active" || m.Native || m.SHA256 == "" {
		t.Errorf("the default module is %+v", m)
	}
	d.check(world{internet: true})
	if log := d.log.String(); strings.Contains(log, "level=ERROR") || strings.Count(log, "modules take long to load") != 1 {
		t.Error("the log has errors, or not one warning")
	}
}

// One line turns the module routes on at once, whatever else is being loaded.
func TestRoutesAtOnce(t *testing.T) {
	d, imds, _ := withIMDS(t)
	ec2 := ec2test.StartOn(t, "127.0.0.1:0", d.listen)
	ec2.Set(routes(internetGateway))
	d.patient()
	config, err := os.ReadFile(d.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	without := replace(t, string(config), "vpc: imds,", "vpc: imds, ec2: true,")
	d.write("config.yaml", without)
	d.run("AWS_EC2_METADATA_SERVICE_ENDPOINT="+imds.URL(), "AWS_ENDPOINT_URL_EC2="+ec2.URL(),
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret")
	d.waitReady()
	d.waitLoaded()
	d.wait("the EC2 API's facts", func() error {
		if s := d.source("ec2"); s.Success.IsZero() {
			return fmt.Errorf("source %+v", s)
		}
		return nil
	})
	d.write("policies.d/05-slow.wasm", starting())
	d.waitModule("05-slow.wasm", "loading", func(m engine.ModuleStatus) bool { return m.State == "loading" })
	d.write("config.yaml", replace(t, without, "policies: {", "policies: {routes: true, "))
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	if m := moduleIn(d.status(), "routes"); m.State != "loading" || !m.Native {
		t.Errorf("the module routes is %+v", m)
	}
	if text := d.screen(); !strings.Contains(text, "routes loading, the same policy decides natively until then\n") {
		t.Errorf("status:\n%s", text)
	}
	d.check(world{internet: true})
	if err := os.Remove(d.path("policies.d/05-slow.wasm")); err != nil {
		t.Fatal(err)
	}
	d.waitModule("routes", "active", func(m engine.ModuleStatus) bool { return m.State == "active" && !m.Native && m.SHA256 != "" })
	d.check(world{internet: true})
	d.write("config.yaml", without)
	d.waitAction(lab.PodA, lab.Peered, "translate")
	d.check(onlyOutside)
}

// rewritten is a module whose file is changed in some way, while an earlier version
// decides.
type rewritten struct {
	*daemon
	name    string // of the file
	decides string // hash of the version that decides
	written time.Time
	broken  bool // what was there before was broken for good, or for too long
	stalled bool // that was because the test stood still for longer than a writer does
}

// begin is called right before something is written.
func (r *rewritten) begin() {
	r.t.Helper()
	if !r.broken && moduleIn(r.status(), r.name).State == "failed" {
		r.broken, r.stalled = true, true
	}
	r.written = time.Now()
}

// put writes what a file holds so far, and waits until the daemon has seen it.
func (r *rewritten) put(write func() error, module string) {
	r.t.Helper()
	r.begin()
	if err := write(); err != nil {
		r.t.Fatal(err)
	}
	r.waitModule(r.name, "seen", func(m engine.ModuleStatus) bool {
		r.watch(m)
		return m.State != "active" && m.FileSHA256 == module && m.SHA256 == r.decides
	})
	r.broken = false
}

// watch checks that a file which may be half written is not called broken.
func (r *rewritten) watch(m engine.ModuleStatus) {
	r.t.Helper()
	if m.State == "failed" && !r.broken && time.Since(r.written) < time.Second {
		r.t.Errorf("%s is failed while it is written: %+v", r.name, m)
	}
}

// finish writes the rest, and waits until the new version decides.
func (r *rewritten) finish(write func() error, module string) {
	r.t.Helper()
	r.begin()
	if err := write(); err != nil {
		r.t.Fatal(err)
	}
	r.waitModule(r.name, "active", func(m engine.ModuleStatus) bool {
		r.watch(m)
		return m.State == "active" && m.SHA256 == module
	})
	r.decides, r.broken = module, false
}

// A file that is written slowly, in pieces or after it was emptied, is loading, and
// never failed; the version before decides until the new one is whole, and that
// decides as soon as it is.
func TestHalfWritten(t *testing.T) {
	d := start(t)
	peered, internet := excluding("172.31.0.0/16"), excluding("198.51.100.0/24")
	for _, suffix := range []string{".wasm", ".wasm.gz"} {
		name := "10-small" + suffix
		path := d.path("policies.d/" + name)
		content := func(wasm string) string {
			if suffix == ".wasm.gz" {
				return string(wasmtest.Gzip([]byte(wasm)))
			}
			return wasm
		}
		// known is the hash that status has of a half, which is none if it cannot be
		// decompressed.
		known := func(half string) string {
			if suffix == ".wasm.gz" {
				return ""
			}
			return hashOf(half)
		}
		r := &rewritten{daemon: d, name: name}
		before := strings.Count(d.log.String(), "level=ERROR")
		rename := func(text string) func() error {
			return func() error { d.write("policies.d/"+name, text); return nil }
		}
		r.finish(rename(content(peered)), hashOf(peered))
		d.check(world{internet: true})

		// In pieces, into a file that is open all the time.
		text := content(internet)
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		const pieces = 5
		for i := range pieces - 1 {
			from, to := len(text)*i/pieces, len(text)*(i+1)/pieces
			r.put(func() error { _, err := file.WriteString(text[from:to]); return err }, known(text[:to]))
		}
		line := name + " loading"
		if got := d.screen(); !strings.Contains(got, line) && time.Since(r.written) < time.Second || !strings.Contains(got, "; the version before decides, "+hashOf(peered)[:12]) {
			t.Errorf("status lacks %q:\n%s", line, got)
		}
		d.check(world{internet: true})
		r.finish(func() error { _, err := file.WriteString(text[len(text)*(pieces-1)/pieces:]); return err }, hashOf(internet))
		d.check(world{peered: true})

		// Emptied, then written.
		r.put(func() error { return os.Truncate(path, 0) }, known(""))
		r.finish(func() error { return os.WriteFile(path, []byte(content(peered)), 0o644) }, hashOf(peered))
		d.check(world{internet: true})

		// Renamed over.
		r.finish(rename(content(internet)), hashOf(internet))
		d.check(world{peered: true})
		if problems := d.status().Problems; len(problems) > 0 {
			t.Errorf("problems %v", problems)
		}
		if !r.stalled && strings.Count(d.log.String(), "level=ERROR") > before {
			t.Error("the log has errors")
		}

		// What stays broken is failed, with its hash, why, and who decides.
		broken := content("this is not wasm")
		if suffix == ".wasm.gz" {
			broken = "this is not compressed"
		}
		r.put(rename(broken), known(broken))
		r.waitModule(name, "failed", func(m engine.ModuleStatus) bool {
			r.watch(m)
			return m.State == "failed" && m.Error != "" && m.FileSHA256 == known(broken) && m.SHA256 == hashOf(internet)
		})
		r.broken = true
		d.waitProblem("module " + name + ": ")
		line = name + " failed"
		if hash := known(broken); hash != "" {
			line += " " + hash[:12]
		}
		if got := d.screen(); !strings.Contains(got, line+"; the version before decides, "+hashOf(internet)[:12]+", 1 KiB") {
			t.Errorf("status lacks %q:\n%s", line, got)
		}
		d.check(world{peered: true})
		r.finish(rename(content(peered)), hashOf(peered))
		d.wait("the problem to be mended", func() error {
			if s := d.status(); len(s.Problems) > 0 {
				return fmt.Errorf("%v", s.Problems)
			}
			return nil
		})
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		d.waitAction(lab.PodA, lab.Peered, "translate")
	}
}

// A sidecar that is emptied before it is written withdraws no grant.
func TestHalfWrittenSidecar(t *testing.T) {
	d := start(t)
	const granted = "config: {source: 10.0.0.10, namespaces: default}\ngrants: {translate: true, sources: [10.0.0.10]}\n"
	d.dropInExample("egress-address", "20-egress", granted)
	d.waitModule("20-egress.wasm", "active", func(m engine.ModuleStatus) bool { return m.State == "active" })
	path := d.path("policies.d/20-egress.yaml")
	written := time.Now()
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	d.waitModule("20-egress.wasm", "loading", func(m engine.ModuleStatus) bool { return m.State != "active" })
	if m := moduleIn(d.status(), "20-egress.wasm"); m.State != "loading" && time.Since(written) < time.Second || m.SHA256 == "" {
		t.Errorf("it is %+v", m)
	}
	if e, err := d.client.Explain(t.Context(), lab.PodA.String(), lab.Internet.String()); err != nil ||
		e.Module != "20-egress.wasm" && time.Since(written) < time.Second {
		t.Errorf("decided by %s, %v", e.Module, err)
	}
	if err := os.WriteFile(path, []byte(granted), 0o644); err != nil {
		t.Fatal(err)
	}
	d.waitModule("20-egress.wasm", "active", func(m engine.ModuleStatus) bool { return m.State == "active" })
	// One that stays empty says nothing, and grants nothing.
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	d.waitModule("20-egress.wasm", "failed", func(m engine.ModuleStatus) bool { return m.State == "failed" && m.SHA256 == "" })
	d.check(onlyOutside)
}

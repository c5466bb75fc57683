package engine

import (
	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/policy"
)

// ModuleStatus is what is known about one module.
type ModuleStatus struct {
	Name string `json:"name"`
	// State is of the file as it is now: "active"; "shadow": it decides nothing;
	// "loading": it is being loaded, or still being written; "failed". An earlier
	// version may decide where this one does not. A module of this binary is
	// "loading" or "native" where it decides natively.
	State string `json:"state"`
	// SHA256, Size in bytes and Milliseconds, to compile and verify it, are of the
	// version that decides; absent if none does.
	SHA256       string `json:"sha256,omitempty"`
	Size         int    `json:"size,omitempty"`
	Milliseconds int64  `json:"milliseconds,omitempty"`
	// Metadata are what the author of that version says of it, if anything.
	Metadata *policy.Metadata `json:"metadata,omitempty"`
	// FileSHA256 is of the file as it is now where another version decides, or none;
	// absent if it could not be read.
	FileSHA256 string `json:"fileSHA256,omitempty"`
	// Native says that the same policy decides natively in the module's place.
	Native bool `json:"native,omitempty"`
	// Error is why the file as it is now does not decide, or why it fails.
	Error string `json:"error,omitempty"`
	// Failing is how many subjects it fails for. If that is all, it is "failed".
	Failing int `json:"failing,omitempty"`
	// Shadow is what it would change, in shadow mode.
	Shadow *Shadow `json:"shadow,omitempty"`
	// Loads and Work are since the daemon's start. Work is that of the versions that were
	// taken.
	Loads Loads       `json:"loads"`
	Work  policy.Work `json:"work"`
}

// Loads are how many versions of a module were loaded, by what came of it.
type Loads struct {
	Taken   uint64 `json:"taken"`
	Refused uint64 `json:"refused"`
}

// history is what a module has done, over all of its versions.
type history struct {
	loads Loads
	work  policy.Work // of the versions before the one that is there
}

// came takes note of what came of a version.
func (h *history) came(err error) {
	if err != nil {
		h.loads.Refused++
	} else {
		h.loads.Taken++
	}
}

// ends takes note that a version, nil for none, works no longer.
func (h *history) ends(p policy.Policy) { h.work = h.work.Plus(policy.WorkOf(p)) }

// tell adds it to a status. The policy is what decides now; nil for nothing.
func (h *history) tell(status *ModuleStatus, now policy.Policy) {
	status.Loads, status.Work = h.loads, h.work.Plus(policy.WorkOf(now))
}

// Status lists the modules in order of precedence.
func (m *Modules) Status(files []dropin.File) []ModuleStatus {
	var list []ModuleStatus
	for _, file := range files {
		if entry := m.loaded[file.Name]; entry != nil {
			list = append(list, entry.status(file.Name))
		}
	}
	for _, shipped := range m.shipped() {
		list = append(list, shipped.status())
	}
	return list
}

func (e *module) status(name string) ModuleStatus {
	status := ModuleStatus{Name: name, State: "active", Shadow: e.would}
	e.history.tell(&status, e.policy)
	if e.policy != nil {
		status.SHA256, status.Size, status.Milliseconds = e.sha256, e.size, e.took.Milliseconds()
		status.Metadata = e.metadata
	}
	switch {
	case e.coming():
		status.State = "loading"
	case e.unfinished():
		status.State, status.Error = "loading", "it has just changed and may not be whole yet: "+policy.Message(e.err)
	case e.err != nil:
		status.State, status.Error = "failed", policy.Message(e.err)
	case e.policy == nil:
		status.State = "loading"
	case e.shadow:
		status.State = "shadow"
	}
	if status.State == "loading" || status.State == "failed" {
		status.FileSHA256 = e.file.SHA256
	}
	if e.err == nil && e.failing > 0 {
		status.Failing, status.Error = e.failing, e.why
		if e.failing == e.of && !e.coming() {
			status.State = "failed"
		}
	}
	return status
}

// wasm is how modules run: "compiler", "interpreter", or "none".
func (m *Modules) wasm() string {
	if m.engine == nil {
		return "none"
	}
	return m.engine.Mode()
}

// failing takes note of the subjects that drop-ins fail for, out of so many.
func (m *Modules) failing(f failures, of int) {
	for name, entry := range m.loaded {
		entry.failing, entry.why = f.of(name)
		entry.of = of
	}
}

package screen

import (
	"fmt"

	"github.com/snatd/snatd/host/engine"
)

// moduleLine is one module: how its file is, which version decides, and what it
// would change if it decided.
func moduleLine(m engine.ModuleStatus) Line {
	line := Line{Plain, m.Name + " " + m.State}
	switch {
	case m.State == "failed":
		line.Level = Bad
	case m.State == "loading" && !m.Native: // which is how each start is
		line.Level = Warn
	}
	version := fmt.Sprintf("%.12s, %d KiB, loaded in %d ms", m.SHA256, (m.Size+1023)/1024, m.Milliseconds)
	if m.Metadata != nil {
		version += ", " + m.Metadata.String()
	}
	other := m.FileSHA256 != "" || m.State == "loading" || m.State == "failed" && m.Failing == 0
	switch {
	case m.Native && m.State == "loading":
		line.Text += ", the same policy decides natively until then"
	case !other && m.SHA256 != "":
		line.Text += " " + version
	case other:
		if m.FileSHA256 != "" {
			line.Text += fmt.Sprintf(" %.12s", m.FileSHA256)
		}
		if m.State == "loading" && m.Error != "" { // else it is among the problems
			line.Text += ": " + m.Error
		}
		line.Text += "; " + decides(m, version)
	}
	if m.Failing > 0 && m.State != "failed" {
		line.Level = Bad
		line.Text += fmt.Sprintf("; fails for %s", number(m.Failing, "subject"))
	}
	if m.Shadow != nil {
		line.Text += fmt.Sprintf("; would change %d subjects", m.Shadow.Subjects)
		if len(m.Shadow.Changes) > 0 {
			largest := m.Shadow.Largest()
			line.Text += fmt.Sprintf(", up to %.2g%% of the address space (%s)", 100*largest.Share, largest.Subject)
		}
	}
	return line
}

// decides says which version does where it is not that of the file.
func decides(m engine.ModuleStatus, version string) string {
	switch {
	case m.SHA256 == "":
		return "no version decides"
	case m.Shadow != nil:
		return "in shadow mode is the version before, " + version
	}
	return "the version before decides, " + version
}

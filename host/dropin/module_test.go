package dropin

import (
	"path/filepath"
	"strings"
	"testing"
)

// A module need not have a name that gives it a precedence.
func TestReadModule(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"Mine.wasm": wasm, "Mine.yaml": "config: {a: beside}",
		"other.yaml":  "config: {a: other}",
		"gz.wasm.gz":  compressed(wasm),
		"bad.wasm.gz": "not gzip, which is long enough",
	})
	for _, tt := range []struct{ module, sidecar, config, told string }{
		{"Mine.wasm", "", "beside", "Mine.yaml"},
		{"Mine.wasm", "other.yaml", "other", "other.yaml"},
		{"gz.wasm.gz", "", "", ""},
	} {
		path := func(name string) string {
			if name == "" {
				return ""
			}
			return filepath.Join(dir, name)
		}
		m, err := ReadModule(path(tt.module), path(tt.sidecar))
		if err != nil {
			t.Fatal(err)
		}
		if m.Name != tt.module || string(m.Wasm) != wasm || m.SHA256 != wasmHash || m.Sidecar.Config["a"] != tt.config || m.SidecarPath != path(tt.told) {
			t.Errorf("%s with %q: %+v", tt.module, tt.sidecar, m)
		}
		if compressed := string(m.Raw) != wasm; compressed != strings.HasSuffix(tt.module, ".gz") {
			t.Errorf("%s: the file has %d bytes", tt.module, len(m.Raw))
		}
	}
	for _, tt := range []struct{ module, sidecar, want string }{
		{"none.wasm", "", "open DIR/none.wasm: no such file or directory"},
		{"Mine.wasm", "none.yaml", "open DIR/none.yaml: no such file or directory"},
		{"Mine.yaml", "", "DIR/Mine.yaml: the file name gives no format; accepted: FILE.wasm or FILE.wasm.gz"},
		{"bad.wasm.gz", "", "DIR/bad.wasm.gz: decompress: gzip: invalid header"},
	} {
		sidecar := tt.sidecar
		if sidecar != "" {
			sidecar = filepath.Join(dir, sidecar)
		}
		_, err := ReadModule(filepath.Join(dir, tt.module), sidecar)
		if err == nil || strings.ReplaceAll(err.Error(), dir, "DIR") != tt.want {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
}

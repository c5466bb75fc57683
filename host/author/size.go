package author

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"time"
)

// configMap is how many bytes a ConfigMap may hold, in which modules are mounted.
const configMap = 1 << 20

// sizes tells how large the module is. What is too large for the daemon was an
// error before.
func sizes(plain, packed int) string {
	fits := "fits into a ConfigMap"
	switch {
	case packed >= configMap:
		fits = "too large for a ConfigMap, which holds 1 MiB"
	case plain >= configMap:
		fits += " only if gzipped"
	}
	return fmt.Sprintf("%d bytes, %d gzipped: %s", plain, packed, fits)
}

// hash tells which module it is. One that the sidecar does not want was an error
// before.
func (t *trial) hash() string {
	if t.file.Sidecar.SHA256 != "" {
		return t.file.SHA256 + ", as the sidecar wants"
	}
	return t.file.SHA256
}

// gzipped is the size of the compressed file, or what gzip -9 would make of it.
func (t *trial) gzipped() int {
	if strings.HasSuffix(t.file.Name, ".gz") {
		return len(t.file.Raw)
	}
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // fails for unknown levels only
	_, _ = w.Write(t.file.Wasm)                           // a Buffer takes everything
	_ = w.Close()
	return b.Len()
}

// short is a time with three digits or so: more say nothing.
func short(d time.Duration) string {
	unit := time.Nanosecond
	for unit*1000 <= d {
		unit *= 10
	}
	return d.Round(unit).String()
}

package author

import (
	"compress/gzip"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// configMap is how many bytes a ConfigMap may hold, in which modules are mounted.
const configMap = 1 << 20

// sizes tells how large the module is; packed is 0 where that is more than a
// ConfigMap may hold. What is too large for the daemon was an error before.
func sizes(plain, packed int) string {
	fits, gzipped := "fits into a ConfigMap", strconv.Itoa(packed)
	switch {
	case packed == 0:
		gzipped = "more than " + strconv.Itoa(configMap)
		fallthrough
	case packed >= configMap:
		fits = "too large for a ConfigMap, which holds 1 MiB"
	case plain >= configMap:
		fits += " only if gzipped"
	}
	return fmt.Sprintf("%d bytes, %s gzipped: %s", plain, gzipped, fits)
}

// hash tells which module it is, and that it is signed. One that the sidecar does not
// want was an error before.
func (t *trial) hash() string {
	text := t.file.SHA256
	if len(t.file.Sidecar.SHA256) > 0 {
		text += ", as the sidecar wants"
	}
	if t.file.Sidecar.PublicKey.Given() {
		text += ", signed with its publicKey"
	}
	return text
}

// large is from how many bytes on it is not worth the time to tell how much too
// large a module is for a ConfigMap.
const large = 8 << 20

// gzipped is the size of the compressed file, or what gzip would make of it; 0 if
// that is more than a ConfigMap may hold, of a large module.
func (t *trial) gzipped() int {
	if strings.HasSuffix(t.file.Name, ".gz") {
		return len(t.file.Raw)
	}
	into := counter{most: math.MaxInt}
	if len(t.file.Wasm) >= large {
		into.most = configMap
	}
	w := gzip.NewWriter(&into)
	_, err := w.Write(t.file.Wasm)
	if err = errors.Join(err, w.Close()); err != nil {
		return 0
	}
	return into.bytes
}

// counter counts what is written to it, up to a number.
type counter struct{ bytes, most int }

func (c *counter) Write(p []byte) (int, error) {
	if c.bytes += len(p); c.bytes > c.most {
		return 0, errors.New("too large")
	}
	return len(p), nil
}

// short is a time with three digits or so: more say nothing.
func short(d time.Duration) string {
	unit := time.Nanosecond
	for unit*1000 <= d {
		unit *= 10
	}
	return d.Round(unit).String()
}

package wasmtest

import (
	"bytes"
	"compress/gzip"
)

// Gzip compresses what a file holds.
func Gzip(content []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(content) // a buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

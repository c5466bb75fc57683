// Package file reads files that an operator puts somewhere: whole, bounded, and
// without ever waiting for anything but the disk. It replaces them as a whole too,
// removes what is left where that was killed, and keeps two who would do so apart.
package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// ErrTooLarge says that a file has more bytes than it may.
var ErrTooLarge = errors.New("the file is too large")

// Read returns the content of a regular file of at most limit bytes, through
// symbolic links. Opening a FIFO as usual would wait for a writer for ever. Every
// error is an *fs.PathError; one wraps ErrTooLarge.
func Read(path string, limit int) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > limit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("%w: at most %d bytes are accepted", ErrTooLarge, limit)}
	}
	return data, nil
}

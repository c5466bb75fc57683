package history

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Bundle writes the files of a change as a tar archive.
func (r *Ring) Bundle(number uint64, to io.Writer) error {
	k, err := r.find(number)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(to)
	for _, name := range k.names() {
		text, err := k.read(name)
		if err != nil {
			return fmt.Errorf("change %d: %w", number, err)
		}
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text)), ModTime: k.Time}); err != nil {
			return err
		}
		if _, err := archive.Write(text); err != nil {
			return err
		}
	}
	return archive.Close()
}

// Extract makes a directory of the archive that Bundle wrote. There must not be anything by
// its name.
func Extract(from io.Reader, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for archive := tar.NewReader(from); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			return err
		}
		if !filepath.IsLocal(header.Name) {
			return fmt.Errorf("%q would be outside of %s", header.Name, dir)
		}
		if err := write(filepath.Join(dir, header.Name), text); err != nil {
			return err
		}
	}
}

// write writes a file, with its directory.
func write(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

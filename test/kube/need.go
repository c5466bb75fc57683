package kube

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
)

// Need ends the test if the API server, etcd or kubectl has not been built: on CI as
// failed, elsewhere as skipped.
func Need(t T) {
	t.Helper()
	if _, err := programs(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// programs is the folder of the programs to run, where make kube-apiserver puts
// them: outside of the clone, and named after what they were built from. The error
// says how to get what is missing.
func programs() (dir string, err error) {
	sums, err := repository("test/kube/apiserver/go.sum")
	if err != nil {
		return "", err
	}
	content, err := os.ReadFile(sums)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(cache, "snatd", fmt.Sprintf("kube-%.8x", sha256.Sum256(content)))
	for _, program := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if _, err := os.Stat(filepath.Join(dir, program)); err != nil {
			return "", fmt.Errorf("%w: run make kube-apiserver, once", err)
		}
	}
	return dir, nil
}

// repository is a file of this repository. Tests run in the folder of their
// package, other programs in the one that they are called in.
func repository(name string) (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return filepath.Join(dir, name), nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("neither %s nor a folder above it has %s", here, name)
		}
	}
}

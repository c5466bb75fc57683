package release

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/snatd/snatd/host/nstest"
)

// The image of each architecture is the released binary, and nothing else.
func TestImage(t *testing.T) {
	nstest.Need(t, "buildah", "buildah")
	repository := released(t)
	images := t.TempDir()
	buildah := func(arguments ...string) {
		t.Helper()
		here := []string{"--root", images + "/storage", "--runroot", images + "/run", "--storage-driver", "vfs"}
		succeed(t, repository, "buildah", append(here, arguments...)...)
	}
	for architecture := range machines {
		buildah("build", "--quiet", "--isolation", "chroot", "--platform", "linux/"+architecture, "--build-arg", "VERSION="+tag,
			"--manifest", "snatd", "-f", "examples/deploy/Dockerfile", "dist")
	}
	buildah("manifest", "push", "--all", "snatd", "oci:"+images+"/oci")

	// Of the folder's only name, which is a list of both.
	index, err := layout.ImageIndexFromPath(images + "/oci")
	if err != nil {
		t.Fatal(err)
	}
	names, err := index.IndexManifest()
	if err != nil || len(names.Manifests) != 1 {
		t.Fatalf("%+v, %v", names, err)
	}
	list, err := index.ImageIndex(names.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := list.IndexManifest()
	if err != nil || len(manifest.Manifests) != len(machines) {
		t.Fatalf("%+v, %v", manifest, err)
	}
	for _, m := range manifest.Manifests {
		image, err := list.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		checkImage(t, image, repository)
	}
}

func checkImage(t *testing.T, image v1.Image, repository string) {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := config.Config
	if config.OS != "linux" || c.User != "0:0" || !slices.Equal(c.Entrypoint, []string{"/snatd"}) || !slices.Equal(c.Cmd, []string{"run"}) ||
		c.Labels["org.opencontainers.image.source"] != "https://github.com/snatd/snatd" || c.Labels["org.opencontainers.image.version"] != tag {
		t.Errorf("%s: %+v", config.Architecture, config)
	}
	want, err := os.ReadFile(binary(repository, config.Architecture))
	if err != nil {
		t.Fatal(err)
	}
	for path, file := range files(t, image) {
		if path != "snatd" || file.mode&0o777 != 0o755 || !bytes.Equal(file.content, want) {
			t.Errorf("%s holds %s, %d bytes, mode %o", config.Architecture, path, len(file.content), file.mode)
		}
	}
}

// held is a file of an image.
type held struct {
	mode    int64
	content []byte
}

// files are all of an image, by their paths.
func files(t *testing.T, image v1.Image) map[string]held {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]held{}
	for _, layer := range layers {
		content, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		defer content.Close()
		for archive := tar.NewReader(content); ; {
			header, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(archive)
			if err != nil {
				t.Fatal(err)
			}
			all[filepath.Clean(header.Name)] = held{header.Mode, text}
		}
	}
	if len(all) == 0 {
		t.Fatal("the image is empty")
	}
	return all
}

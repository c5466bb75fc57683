package test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/test/deploy"
	"github.com/snatd/snatd/test/kube"
)

// kubelet is what a kubelet does for the pod of the DaemonSet snatd on its node, of
// which the API server has the template.
type kubelet struct {
	t      *testing.T
	server *kube.Server
	node   string // its name
	dir    string // the node's file system and the pod's volumes
	api    string // host and port of the API server, from the node
	spec   corev1.PodSpec
}

// onNode is a path of the node's file system.
func (k *kubelet) onNode(path string) string { return filepath.Join(k.dir, "node", path) }

func (k *kubelet) volume(name string) string { return filepath.Join(k.dir, "volumes", name) }

// sync takes the template from the API server, and the content of the pod's volumes.
func (k *kubelet) sync() {
	k.t.Helper()
	set, err := k.server.Admin().AppsV1().DaemonSets(deploy.Namespace).Get(k.t.Context(), "snatd", metav1.GetOptions{})
	if err != nil {
		k.t.Fatal(err)
	}
	k.spec = set.Spec.Template.Spec
	for _, volume := range k.spec.Volumes {
		switch {
		case volume.HostPath != nil && *volume.HostPath.Type == corev1.HostPathDirectoryOrCreate:
			if err := os.MkdirAll(k.onNode(volume.HostPath.Path), 0o755); err != nil {
				k.t.Fatal(err)
			}
		case volume.ConfigMap != nil:
			k.update(volume.Name, k.configMap(volume.ConfigMap.Name, volume.ConfigMap.Optional))
		case volume.Projected != nil:
			files := map[string][]byte{}
			for _, source := range volume.Projected.Sources {
				for name, content := range k.configMap(source.ConfigMap.Name, source.ConfigMap.Optional) {
					files[name] = content
				}
			}
			k.update(volume.Name, files)
		default:
			k.t.Fatalf("volume %+v", volume)
		}
	}
	k.update("token", map[string][]byte{
		"token": []byte(k.server.Token(k.t, deploy.Namespace, k.spec.ServiceAccountName)), "ca.crt": k.server.Certificate(), "namespace": []byte(deploy.Namespace),
	})
}

// configMap is the files of a ConfigMap.
func (k *kubelet) configMap(name string, optional *bool) map[string][]byte {
	k.t.Helper()
	configMap, err := k.server.Admin().CoreV1().ConfigMaps(deploy.Namespace).Get(k.t.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && optional != nil && *optional {
		return nil
	}
	if err != nil {
		k.t.Fatal(err)
	}
	files := map[string][]byte{}
	for name, text := range configMap.Data {
		files[name] = []byte(text)
	}
	for name, content := range configMap.BinaryData {
		files[name] = content
	}
	return files
}

// update replaces the content of a volume as a kubelet does: the files are in a
// folder of their own, to which the link ..data leads, and that is swapped.
func (k *kubelet) update(volume string, files map[string][]byte) {
	k.t.Helper()
	dir := k.volume(volume)
	if err := swap(dir, files); err != nil {
		k.t.Fatalf("volume %s: %v", volume, err)
	}
}

func swap(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	data := filepath.Join(dir, "..data")
	old, err := os.Readlink(data)
	if err == nil && holds(data, files) {
		return nil // a kubelet does not touch what is right
	}
	content, err := os.MkdirTemp(dir, time.Now().UTC().Format("..2006_01_02_15_04_05."))
	if err != nil {
		return err
	}
	if err := os.Chmod(content, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(content, name), text, 0o644); err != nil {
			return err
		}
	}
	if err := os.Symlink(filepath.Base(content), data+"_tmp"); err != nil {
		return err
	}
	if err := os.Rename(data+"_tmp", data); err != nil {
		return err
	}
	for name := range files {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if _, there := files[entry.Name()]; !there && !strings.HasPrefix(entry.Name(), "..") {
			if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	if old == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(dir, old))
}

// holds tells whether a folder has these files, and no others.
func holds(dir string, files map[string][]byte) bool {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(files) {
		return false
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want) {
			return false
		}
	}
	return true
}

// box is the pod's container, with the image's program and arguments for it.
func (k *kubelet) box(arguments ...string) box {
	k.t.Helper()
	container := k.spec.Containers[0]
	host, port, _ := strings.Cut(k.api, ":")
	b := box{
		Root:         k.t.TempDir(),
		Mounts:       []mount{{From: binary(k.t), To: "/snatd", ReadOnly: true}},
		ReadOnlyRoot: *container.SecurityContext.ReadOnlyRootFilesystem,
		NoNewPrivs:   !*container.SecurityContext.AllowPrivilegeEscalation,
		Environment: []string{
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=" + k.node,
			"KUBERNETES_SERVICE_HOST=" + host, "KUBERNETES_SERVICE_PORT=" + port,
		},
		Arguments: append([]string{"/snatd"}, arguments...),
	}
	for _, name := range container.SecurityContext.Capabilities.Add {
		b.Capabilities = append(b.Capabilities, map[corev1.Capability]int{"NET_ADMIN": unix.CAP_NET_ADMIN}[name])
	}
	for _, variable := range container.Env {
		if variable.ValueFrom.FieldRef.FieldPath != "spec.nodeName" {
			k.t.Fatalf("variable %+v", variable)
		}
		b.Environment = append(b.Environment, variable.Name+"="+k.node)
	}
	volumes := map[string]string{}
	for _, volume := range k.spec.Volumes {
		volumes[volume.Name] = k.volume(volume.Name)
		if volume.HostPath != nil {
			volumes[volume.Name] = k.onNode(volume.HostPath.Path)
		}
	}
	for _, m := range container.VolumeMounts {
		b.Mounts = append(b.Mounts, mount{From: volumes[m.Name], To: m.MountPath, ReadOnly: m.ReadOnly})
	}
	if *k.spec.AutomountServiceAccountToken {
		b.Mounts = append(b.Mounts, mount{From: k.volume("token"), To: "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true})
	}
	return b
}

// start starts the pod's container on the node of a lab.
func (k *kubelet) start(on *lab.Host, log *logBuffer) *lab.Process {
	k.t.Helper()
	return k.launch(on, log, log, k.box(k.spec.Containers[0].Args...))
}

// exec runs a command in the pod, as kubectl exec has the kubelet do it.
func (k *kubelet) exec(on *lab.Host, arguments ...string) (out, said string, err error) {
	k.t.Helper()
	b := k.box()
	b.Arguments = arguments
	var stdout, stderr logBuffer
	err = k.launch(on, &stdout, &stderr, b).Wait()
	return stdout.String(), stderr.String(), err
}

func (k *kubelet) launch(on *lab.Host, out, said *logBuffer, b box) *lab.Process {
	k.t.Helper()
	command, err := b.command()
	if err != nil {
		k.t.Fatal(err)
	}
	command.Stdout, command.Stderr = out, said
	process, err := on.Start(command)
	if err != nil {
		k.t.Fatal(err)
	}
	return process
}

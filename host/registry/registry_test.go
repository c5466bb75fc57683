package registry

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	served "github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"

	"github.com/snatd/snatd/host/dropin"
)

const wasm = "\x00asm\x01\x00\x00\x00"

// bench is a registry on this machine, and a directory to work in.
type bench struct {
	t      *testing.T
	dir    string
	server *httptest.Server
	// change is what becomes of an answer on its way, if it is not nil.
	change func(path string, body []byte) []byte
	// refused is why no daemon takes what is pulled; nil: it does.
	refused error
}

// newBench has a registry that lists what refers to an artifact, or one that cannot.
func newBench(t *testing.T, referrers bool) *bench {
	t.Helper()
	// The credentials of who runs the test are nobody's business here.
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	b := &bench{t: t, dir: t.TempDir()}
	handler := served.New(served.Logger(log.New(io.Discard, "", 0)), served.WithReferrersSupport(referrers))
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.change == nil {
			handler.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		body := b.change(r.URL.Path, answer.Body.Bytes())
		for key, values := range answer.Header() {
			w.Header()[key] = values
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(answer.Code)
		_, _ = w.Write(body)
	}))
	t.Cleanup(b.server.Close)
	b.write("10-a.wasm", wasm)
	if err := os.Mkdir(b.path("to"), 0o755); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) write(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(b.path(name), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) read(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(b.path(name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// reference is one in the registry.
func (b *bench) reference(name string) string {
	return "oci://" + strings.TrimPrefix(b.server.URL, "http://") + "/" + name
}

// key makes a pair of keys, NAME.key and NAME.pub.
func (b *bench) key(name string) {
	b.t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	if der, err = x509.MarshalPKIXPublicKey(public); err != nil {
		b.t.Fatal(err)
	}
	b.write(name+".pub", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
}

// push pushes a file of the bench; a key may be empty.
func (b *bench) push(module, name, key string) Pushed {
	b.t.Helper()
	if key != "" {
		key = b.path(key)
	}
	done, err := Push{Module: b.path(module), Reference: b.reference(name), Key: key, PlainHTTP: true}.Do(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return done
}

// pull pulls into the directory to.
func (b *bench) pull(reference, name, key string) (Pulled, error) {
	if key != "" {
		key = b.path(key)
	}
	return Pull{Reference: reference, Directory: b.path("to"), Name: name, Key: key, PlainHTTP: true, Check: b.check}.Do(b.t.Context())
}

// check is what a daemon would say to a module.
func (b *bench) check(context.Context, string, []byte, []byte, dropin.Sidecar) error {
	return b.refused
}

// fails pulls what is refused for this reason, without a trace.
func (b *bench) fails(what, reference, name, key, want string) {
	b.t.Helper()
	before := b.files()
	_, err := b.pull(reference, name, key)
	if err == nil || !strings.Contains(b.plain(err), want) {
		b.t.Errorf("%s:\ngot  %v\nwant %s", what, err, want)
	}
	if after := b.files(); after != before {
		b.t.Errorf("%s: files before\n%s\nand after\n%s", what, before, after)
	}
}

// plain is an error without what is another one each time.
func (b *bench) plain(err error) string {
	text := strings.NewReplacer(b.dir, "DIR", strings.TrimPrefix(b.server.URL, "http://"), "HOST").Replace(err.Error())
	return regexp.MustCompile(`sha256:[0-9a-f]{64}`).ReplaceAllString(text, "DIGEST")
}

// files are all that is in the directory to.
func (b *bench) files() string {
	b.t.Helper()
	entries, err := os.ReadDir(b.path("to"))
	if err != nil {
		b.t.Fatal(err)
	}
	var text strings.Builder
	for _, entry := range entries {
		fmt.Fprintf(&text, "%s: %q\n", entry.Name(), b.read("to/"+entry.Name()))
	}
	return text.String()
}

// module is the module as the daemon reads it from the directory to.
func (b *bench) module() dropin.File {
	b.t.Helper()
	files, err := dropin.NewDirectory(b.path("to")).Read()
	if err != nil || len(files) != 1 {
		b.t.Fatalf("%v, %v", files, err)
	}
	return files[0]
}

// What is pushed is pulled again, signed and pinned, from registries of both kinds.
func TestPushAndPull(t *testing.T) {
	for _, referrers := range []bool{true, false} {
		b := newBench(t, referrers)
		b.key("mine")
		pushed := b.push("10-a.wasm", "team/a:1", "mine.key")
		if again := b.push("10-a.wasm", "team/a:1", "mine.key"); again != pushed || !pushed.Signed {
			t.Errorf("pushed %+v, then %+v", pushed, again)
		}
		done, err := b.pull(b.reference("team/a:1"), "", "mine.pub")
		if err != nil {
			t.Fatal(err)
		}
		want := Pulled{pushed.Reference, b.path("to/10-a.wasm"), b.path("to/10-a.yaml"), b.path("to/10-a.sig"), pushed.SHA256, true, ""}
		if done != want {
			t.Errorf("pulled %+v, want %+v", done, want)
		}
		if m := b.module(); m.Err != nil || m.SHA256 != pushed.SHA256 || !slices.Equal(m.Sidecar.SHA256, []string{pushed.SHA256}) || !m.Sidecar.PublicKey.Given() {
			t.Errorf("the daemon reads %+v", m)
		}
		if text := b.read("to/10-a.yaml"); !strings.Contains(text, " # "+pushed.Reference+"\n") {
			t.Errorf("the sidecar does not say where it is from:\n%s", text)
		}
		if lines := strings.Count(b.read("to/10-a.sig"), "\n"); lines != 1 {
			t.Errorf("%d signatures", lines)
		}

		// A newer version, by its digest alone, and one that nobody signed.
		b.write("10-a.wasm", wasm+"\x00\x01\x00")
		newer := b.push("10-a.wasm", "team/a:2", "mine.key")
		if done, err = b.pull(newer.Reference, "", ""); err != nil || !done.Verified || b.module().SHA256 != newer.SHA256 {
			t.Errorf("pulled %+v, %v", done, err)
		}
		b.write("10-a.wasm", wasm+"\x00\x01\x01")
		b.push("10-a.wasm", "team/a:3", "")
		b.fails("not signed", b.reference("team/a:3"), "", "", "oci://HOST/team/a@DIGEST: it has no signature; DIR/to/10-a.yaml asks for one by its publicKey; nothing was written. Accepted: ")
		if err := os.Remove(b.path("to/10-a.yaml")); err != nil {
			t.Fatal(err)
		}
		b.fails("a module from elsewhere", b.reference("team/a:3"), "", "", "of which the directory has files that are not from there")
		if done, err = b.pull(b.reference("team/a:3"), "10-a", ""); err != nil || done.Verified || done.Signature != "" {
			t.Errorf("pulled %+v, %v", done, err)
		}
		if _, err := os.Stat(b.path("to/10-a.sig")); err == nil {
			t.Error("the signatures of the version before are there still")
		}
	}
}

// The layout is the CNCF's, field by field.
func TestLayout(t *testing.T) {
	b := newBench(t, true)
	pushed := b.push("10-a.wasm", "a:1", "")
	repository, err := connect(pushed.Reference, true)
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := oras.FetchBytes(t.Context(), repository, repository.Reference.Reference, oras.FetchBytesOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var manifest v1.Manifest
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.MediaType != v1.MediaTypeImageManifest || len(manifest.Layers) != 1 || manifest.Layers[0].MediaType != "application/wasm" ||
		manifest.Layers[0].Digest.Encoded() != pushed.SHA256 || manifest.Layers[0].Annotations["org.opencontainers.image.title"] != "10-a.wasm" {
		t.Errorf("%s", text)
	}
	config, err := content.FetchAll(t.Context(), repository.Blobs(), manifest.Config)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"created":"1970-01-01T00:00:00Z","architecture":"wasm","os":"wasip1","layerDigests":["sha256:` + pushed.SHA256 + `"]}`
	if manifest.Config.MediaType != "application/vnd.wasm.config.v0+json" || string(config) != want {
		t.Errorf("%s: %s\nwant %s", manifest.Config.MediaType, config, want)
	}
}

func TestPullErrors(t *testing.T) {
	b := newBench(t, true)
	b.key("mine")
	b.key("other")
	b.push("10-a.wasm", "a:1", "other.key")
	b.write("plain.wasm", wasm)
	b.push("plain.wasm", "plain:1", "")
	at := b.reference("a:1")
	for _, c := range []struct{ what, reference, name, key, want string }{
		{"no scheme", "registry.example.com/a:1", "", "", "the reference names no artifact; accepted: oci://REGISTRY/REPOSITORY:TAG or "},
		{"no tag", b.reference("a"), "", "", `"oci://HOST/a" has no tag and no digest, accepted: oci://REGISTRY/REPOSITORY:TAG or oci://REGISTRY/REPOSITORY@sha256:DIGEST`},
		{"unknown tag", b.reference("a:2"), "", "", "oci://HOST/a:2: there is no such artifact; the registry has no such repository, tag or digest"},
		{"unknown digest", b.reference("a@sha256:" + strings.Repeat("0", 64)), "", "", "there is no such artifact"},
		{"a name without precedence", b.reference("plain:1"), "", "", `oci://HOST/plain@DIGEST: the artifact calls the module "plain.wasm", which gives no precedence; accepted: --name NN-name`},
		{"a path for a name", at, "../10-a", "", `--name: "../10-a" gives no precedence, accepted: NN-name`},
		{"another key", at, "", "mine.pub", "oci://HOST/a@DIGEST: none of its 1 signatures is one of this module by that key; DIR/to/10-a.yaml asks for one"},
		{"a private key", at, "", "mine.key", "DIR/mine.key: it is a private key, which belongs to who signs"},
	} {
		b.fails(c.what, c.reference, c.name, c.key, c.want)
	}

	b.write("to/10-a.wasm.gz", "")
	b.fails("compressed", at, "", "", "DIR/to/10-a.wasm.gz is the same module as the one to be written; accepted: remove it, or another --name")
	if err := os.Remove(b.path("to/10-a.wasm.gz")); err != nil {
		t.Fatal(err)
	}
	b.write("to/10-a.yaml", "{mode: shadow}\n")
	b.fails("a sidecar of somebody's", at, "", "", "of which the directory has files that are not from there: whoever may push could choose whose grants and key count; accepted: --name 10-a")
	b.fails("a sidecar in braces", at, "10-a", "", "DIR/to/10-a.yaml: its form leaves no place to write the pin; accepted: ")
	if err := os.Remove(b.path("to/10-a.yaml")); err != nil {
		t.Fatal(err)
	}

	_, err := Pull{Reference: at, Directory: b.path("10-a.wasm"), PlainHTTP: true}.Do(t.Context())
	if err == nil || b.plain(err) != "DIR/10-a.wasm: not a directory, accepted: the one of the drop-ins" {
		t.Error(err)
	}
	_, err = Pull{Reference: at, Directory: b.dir}.Do(t.Context())
	if err == nil || !strings.HasSuffix(err.Error(), " (--plain-http is for registries without TLS)") {
		t.Error(err)
	}
}

// What a registry sends is held against the digest, whichever of the parts it changes.
func TestTampered(t *testing.T) {
	b := newBench(t, true)
	pushed := b.push("10-a.wasm", "a:1", "")
	for what, path := range map[string]string{"manifest": "/manifests/", "module": "/blobs/"} {
		b.change = func(at string, body []byte) []byte {
			if strings.Contains(at, path) && len(body) > 0 {
				body = append(bytes.Clone(body[:len(body)-1]), body[len(body)-1]+1)
			}
			return body
		}
		b.fails(what, pushed.Reference, "", "", "oci://HOST/a@DIGEST: the registry sent something else than its digest says; nothing was written: ")
	}
}

// Artifacts of others are told from modules.
func TestForeignArtifacts(t *testing.T) {
	b := newBench(t, true)
	repository, err := connect(b.reference("a"), true)
	if err != nil {
		t.Fatal(err)
	}
	blob := func(mediaType, text string) v1.Descriptor {
		t.Helper()
		d, err := pushBlob(t.Context(), repository, mediaType, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		d.Annotations = map[string]string{v1.AnnotationTitle: "10-a.wasm"}
		return d
	}
	config, module := blob(configType, "{}"), blob(moduleType, wasm)
	large := module
	large.Size = dropin.MaxSize + 1
	for _, c := range []struct {
		what, want string
		config     v1.Descriptor
		layers     []v1.Descriptor
	}{
		{"an image", "not a Wasm artifact: its config is \"application/vnd.oci.image.config.v1+json\"; accepted: application/vnd.wasm.config.v0+json",
			blob(v1.MediaTypeImageConfig, `{"os":"linux"}`), []v1.Descriptor{module}},
		{"two modules", "a Wasm artifact of other layers than one module; accepted: one layer application/wasm", config, []v1.Descriptor{module, module}},
		{"another layer", "a Wasm artifact of other layers than one module", config, []v1.Descriptor{blob("text/plain", "a")}},
		{"too large", "the module has 33554433 bytes; accepted: at most 32 MiB", config, []v1.Descriptor{large}},
		{"a text", "not a WebAssembly module, accepted: ", config, []v1.Descriptor{blob(moduleType, "this is text")}},
		{"a component", "not a WebAssembly module, accepted: a core module", config, []v1.Descriptor{blob(moduleType, "\x00asm\x0d\x00\x01\x00")}},
	} {
		d, err := oras.PackManifest(t.Context(), repository, oras.PackManifestVersion1_1, "", oras.PackManifestOptions{ConfigDescriptor: &c.config, Layers: c.layers})
		if err != nil {
			t.Fatal(err)
		}
		b.fails(c.what, b.reference("a@"+d.Digest.String()), "", "", "oci://HOST/a@DIGEST: "+c.want)
	}
	text := []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`)
	index := content.NewDescriptorFromBytes(v1.MediaTypeImageIndex, text)
	if err := repository.Push(t.Context(), index, bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	b.fails("an index", b.reference("a@"+index.Digest.String()), "", "", "not a Wasm artifact, but \"application/vnd.oci.image.index.v1+json\"")
}

func TestPushErrors(t *testing.T) {
	b := newBench(t, true)
	b.write("text.wasm", "this is text")
	b.write("x.sig", "x")
	at := b.reference("a:1")
	for _, c := range []struct {
		push Push
		want string
	}{
		{Push{Module: b.path("none.wasm"), Reference: at}, "open DIR/none.wasm: no such file or directory"},
		{Push{Module: b.path("x.sig"), Reference: at}, "DIR/x.sig: the file name gives no format"},
		{Push{Module: b.path("text.wasm"), Reference: at}, "DIR/text.wasm: not a WebAssembly module, accepted: a core module"},
		{Push{Module: b.path("10-a.wasm"), Reference: b.reference("a")}, `"oci://HOST/a": a module is pushed by a tag, accepted: oci://REGISTRY/REPOSITORY:TAG`},
		{Push{Module: b.path("10-a.wasm"), Reference: b.reference("a@sha256:" + strings.Repeat("0", 64))}, "a module is pushed by a tag"},
		{Push{Module: b.path("10-a.wasm"), Reference: at, Key: b.path("10-a.wasm")}, "DIR/10-a.wasm: it is no PEM; accepted: the PEM of a private key"},
		{Push{Module: b.path("10-a.wasm"), Reference: at, Signature: b.path("x.sig")}, "DIR/x.sig: not a file of signatures; accepted: one signature a line"},
	} {
		c.push.PlainHTTP = true
		if _, err := c.push.Do(t.Context()); err == nil || !strings.Contains(b.plain(err), c.want) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	b.fails("after all of these", at, "", "", "there is no such artifact")
}

// Signatures that were made elsewhere go along, and a module that was compressed.
func TestPushSignature(t *testing.T) {
	b := newBench(t, true)
	b.key("mine")
	b.key("other")
	b.push("10-a.wasm", "a:1", "mine.key")
	if _, err := b.pull(b.reference("a:1"), "", ""); err != nil {
		t.Fatal(err)
	}
	both := Push{Module: b.path("10-a.wasm"), Reference: b.reference("b:1"), Signature: b.path("to/10-a.sig"), Key: b.path("other.key"), PlainHTTP: true}
	if done, err := both.Do(t.Context()); err != nil || !done.Signed || !done.Attached {
		t.Fatalf("%+v, %v", done, err)
	}
	alone := both
	alone.Key = ""
	if done, err := alone.Do(t.Context()); err != nil || done.Signed || !done.Attached {
		t.Fatalf("what nobody verified is told as %+v, %v", done, err)
	}
	for i, key := range []string{"mine.pub", "other.pub"} {
		if done, err := b.pull(b.reference("b:1"), fmt.Sprintf("2%d-b", i), key); err != nil || !done.Verified {
			t.Errorf("%s: %+v, %v", key, done, err)
		}
	}
}

// The password file of docker login is read, and a wrong one is told.
func TestCredentials(t *testing.T) {
	b := newBench(t, true)
	inner := b.server.Config.Handler
	b.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, password, _ := r.BasicAuth(); name != "me" || password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="here"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	})
	push := Push{Module: b.path("10-a.wasm"), Reference: b.reference("a:1"), PlainHTTP: true}
	for _, c := range []struct{ login, want string }{
		{"", "(credentials are those of docker login, in the Docker configuration file)"},
		{"me:wrong", "(credentials are those of docker login, in the Docker configuration file)"},
		{"me:secret", ""},
	} {
		if c.login != "" {
			text := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, strings.TrimPrefix(b.server.URL, "http://"), base64.StdEncoding.EncodeToString([]byte(c.login)))
			if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := push.Do(t.Context()); (err == nil) != (c.want == "") || err != nil && !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%q: %v", c.login, err)
		}
	}
	if _, err := b.pull(b.reference("a:1"), "", ""); err != nil {
		t.Error(err)
	}
}

// Keys are read as cosign and openssl write them.
func TestPrivateKeys(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cosign, err := encrypted.Encrypt(pkcs8, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	for _, c := range []struct{ name, text, password, want string }{
		{"openssl genpkey", block("PRIVATE KEY", pkcs8), "", ""},
		{"openssl ecparam -genkey", block("EC PARAMETERS", []byte{6, 0}) + block("EC PRIVATE KEY", sec1), "", ""},
		{"cosign generate-key-pair", block("ENCRYPTED SIGSTORE PRIVATE KEY", cosign), "secret", ""},
		{"cosign of another time", block("ENCRYPTED COSIGN PRIVATE KEY", cosign), "secret", ""},
		{"another password", block("ENCRYPTED SIGSTORE PRIVATE KEY", cosign), "guess", "it cannot be decrypted with the password in COSIGN_PASSWORD ("},
		{"encrypted by openssl", block("ENCRYPTED PRIVATE KEY", pkcs8), "", `it is the PEM of a "ENCRYPTED PRIVATE KEY"`},
		{"a public key", block("PUBLIC KEY", pkcs8), "", `it is the PEM of a "PUBLIC KEY"`},
	} {
		got, err := parsePrivateKey([]byte(c.text), c.password)
		switch {
		case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
			t.Errorf("%s: %v", c.name, err)
		case c.want == "" && (err != nil || !key.PublicKey.Equal(got.Public())):
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}

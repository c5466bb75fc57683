package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	"github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/snatd/snatd/host/signature"
)

// intruder is somebody who may push to a repository, and signs nothing.
type intruder struct {
	*bench
	repository *remote.Repository
	of         v1.Descriptor // whom it refers to
}

func (b *bench) intruder(pushed Pushed) intruder {
	b.t.Helper()
	repository, err := connect(pushed.Reference, true)
	if err != nil {
		b.t.Fatal(err)
	}
	of, err := oras.Resolve(b.t.Context(), repository, repository.Reference.Reference, oras.ResolveOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	return intruder{b, repository, of}
}

// refer pushes a manifest of signatures that refers to the module.
func (i intruder) refer(manifest v1.Manifest) {
	i.t.Helper()
	manifest.Versioned, manifest.MediaType = specs.Versioned{SchemaVersion: 2}, v1.MediaTypeImageManifest
	manifest.ArtifactType, manifest.Subject = signatureType, &i.of
	text, err := json.Marshal(manifest)
	if err == nil {
		err = i.repository.Manifests().Push(i.t.Context(), content.NewDescriptorFromBytes(v1.MediaTypeImageManifest, text), bytes.NewReader(text))
	}
	if err != nil {
		i.t.Fatal(err)
	}
}

// blob pushes a blob of the type of signatures.
func (i intruder) blob(text string) v1.Descriptor {
	i.t.Helper()
	blob, err := pushBlob(i.t.Context(), i.repository, signatureType, []byte(text))
	if err != nil {
		i.t.Fatal(err)
	}
	return blob
}

// Whoever may push can add to what refers to a module, and cannot keep it from being
// pulled by that.
func TestJunkSignatures(t *testing.T) {
	for _, referrers := range []bool{true, false} {
		b := newBench(t, referrers)
		b.key("mine")
		b.key("other")
		i := b.intruder(b.push("10-a.wasm", "a:1", ""))
		empty := i.blob("{}")
		for _, layers := range [][]v1.Descriptor{
			nil,
			{i.blob("no signature at all")},
			{i.blob(strings.Repeat("AAAAAAAAAAAAAAAA\n", signature.MaxFile/17))},
			{{MediaType: signatureType, Digest: digest.FromString("what is not there"), Size: 80}},
			{{MediaType: signatureType, Digest: empty.Digest, Size: -1}},
			{{MediaType: signatureType, Digest: empty.Digest, Size: -1 << 63}},
			{{MediaType: signatureType, Digest: empty.Digest, Size: 1 << 62}},
			{{MediaType: signatureType, Digest: empty.Digest, Size: 3}},
			{{MediaType: signatureType, Digest: "md5:0", Size: 3}},
			{{MediaType: "text/plain", Digest: empty.Digest, Size: 2}},
		} {
			i.refer(v1.Manifest{Config: empty, Layers: layers})
		}
		b.push("10-a.wasm", "a:1", "other.key")
		for n := range 40 {
			i.refer(v1.Manifest{Config: empty, Layers: []v1.Descriptor{i.blob(fmt.Sprintf("%064d\n", n))}})
		}
		b.fails("none by the key", b.reference("a:1"), "", "mine.pub", "oci://HOST/a@DIGEST: none of its 51 signatures is one of this module by that key, ")
		b.push("10-a.wasm", "a:1", "mine.key")
		for n := range 40 {
			i.refer(v1.Manifest{Config: empty, Layers: []v1.Descriptor{i.blob(fmt.Sprintf("%064d\n", 1000+n))}})
		}
		if done, err := b.pull(b.reference("a:1"), "", "mine.pub"); err != nil || !done.Verified {
			t.Fatalf("%+v, %v", done, err)
		}
		if m := b.module(); m.Err != nil || strings.Count(b.read("to/10-a.sig"), "\n") != 1 {
			t.Errorf("%v\n%s", m.Err, b.read("to/10-a.sig"))
		}
		// Who asks for no signature gets the module all the same.
		if _, err := b.pull(b.reference("a:1"), "20-b", ""); err != nil {
			t.Error(err)
		}
	}
}

// More than is looked at is told, and bounded.
func TestManySignatures(t *testing.T) {
	b := newBench(t, true)
	b.key("mine")
	i := b.intruder(b.push("10-a.wasm", "a:1", ""))
	list := v1.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageIndex}
	for n := range maxSignatures + 7 {
		list.Manifests = append(list.Manifests, v1.Descriptor{MediaType: v1.MediaTypeImageManifest, ArtifactType: signatureType, Size: 2, Digest: digest.FromString(fmt.Sprint(n))})
	}
	var asked atomic.Int32
	b.change = func(path string, body []byte) []byte {
		switch {
		case strings.HasSuffix(path, "/referrers/"+i.of.Digest.String()):
			var err error
			if body, err = json.Marshal(list); err != nil {
				t.Error(err)
			}
		case strings.Contains(path, "/manifests/sha256:"):
			asked.Add(1)
		}
		return body
	}
	b.fails("too many", b.reference("a:1"), "", "mine.pub", "none of 1000 signatures, drawn from 1007 that it has, is one of this module by that key; another pull draws others, and some cannot be read: ")
	if asked := asked.Load(); asked != maxSignatures {
		t.Errorf("%d were asked for", asked)
	}
}

// Registries copy annotations into the list of what refers to a module: however long it
// gets, the signature in it is found, and without a key nobody waits for it.
func TestLongAnnotations(t *testing.T) {
	b := newBench(t, true)
	b.key("mine")
	i := b.intruder(b.push("10-a.wasm", "a:1", "mine.key"))
	i.refer(v1.Manifest{Config: i.blob("{}"), Layers: []v1.Descriptor{}, Annotations: map[string]string{"a": "LONG"}})
	long := bytes.Repeat([]byte("x"), maxPage)
	b.change = func(path string, body []byte) []byte {
		if strings.Contains(path, "/referrers/") {
			if !bytes.Contains(body, []byte("LONG")) {
				t.Errorf("no annotations in %s", body)
			}
			return bytes.ReplaceAll(body, []byte("LONG"), long)
		}
		return body
	}
	if done, err := b.pull(b.reference("a:1"), "", "mine.pub"); err != nil || !done.Verified {
		t.Errorf("%+v, %v", done, err)
	}
	if done, err := b.pull(b.reference("a:1"), "20-b", ""); err != nil || done.Warning != "" || done.Signature == "" {
		t.Errorf("%+v, %v", done, err)
	}
}

// A list that is not read to its end is judged by what came before, and who asks for no
// signature needs none.
func TestBrokenList(t *testing.T) {
	b := newBench(t, true)
	b.key("mine")
	b.key("other")
	b.push("10-a.wasm", "a:1", "mine.key")
	inner := b.server.Config.Handler
	answer := func(status int, text func(list string) string) {
		b.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/referrers/") {
				inner.ServeHTTP(w, r)
				return
			}
			list := httptest.NewRecorder()
			inner.ServeHTTP(list, r)
			w.Header().Set("Content-Type", v1.MediaTypeImageIndex)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text(list.Body.String()))
		})
	}
	for _, c := range []struct {
		what   string
		status int
		text   func(list string) string
		found  bool // the signature is
		want   string
	}{
		{"it ends in its middle", http.StatusOK, func(list string) string { return strings.TrimRight(list, "}] \n") + "}," }, true, "the list ends in its middle"},
		{"no object", http.StatusOK, func(string) string { return "[]" }, false, "the list is no JSON object"},
		{"no array", http.StatusOK, func(string) string { return `{"manifests":{}}` }, false, "the list's manifests are no array"},
		{"a refusal", http.StatusForbidden, func(string) string { return "" }, false, "response status code 403: Forbidden"},
	} {
		answer(c.status, c.text)
		done, err := b.pull(b.reference("a:1"), "20-b", "")
		if err != nil || (done.Signature != "") != c.found ||
			!strings.HasPrefix(done.Warning, "signatures that it has may be missing: ") || !strings.Contains(done.Warning, c.want) {
			t.Errorf("%s: %+v, %v", c.what, done, err)
		}
		b.fails(c.what, b.reference("a:1"), "", "other.pub", c.want)
		b.put(nil)
		if c.found {
			if done, err := b.pull(b.reference("a:1"), "", "mine.pub"); err != nil || !done.Verified || done.Warning != "" {
				t.Errorf("%s: %+v, %v", c.what, done, err)
			}
		} else {
			b.fails(c.what, b.reference("a:1"), "", "mine.pub", c.want)
		}
		b.put(nil)
	}
}

// A list has bounds, one of them of all its pages together, and what is not kept takes no memory.
func TestListBounds(t *testing.T) {
	const entry = `{"mediaType":"` + v1.MediaTypeImageManifest + `","artifactType":"` + signatureType + `","size":2,"digest":"sha256:`
	one := entry + strings.Repeat("0", 64) + `","annotations":{"a":"b"}}`
	text := `{"annotations":{"manifests":[1]},"manifests":[{"mediaType":"x","artifactType":"` + signatureType + `"},` + one + "," + one + `]}`
	left := int64(len(text))
	for _, want := range []error{nil, errTooLong} {
		list, err := readSignatures(&bounded{from: strings.NewReader(text), left: &left})
		if !errors.Is(err, want) || (want == nil) != (len(list) == 2) {
			t.Errorf("%v, %v, with %d bytes left", list, err, left)
		}
		for _, one := range list {
			if one.Annotations != nil {
				t.Errorf("kept: %v", one)
			}
		}
	}
	left = maxList
	list, err := readSignatures(&bounded{from: strings.NewReader(`{"manifests":[` + one + `,{"annotations":{"a":"` + strings.Repeat("x", maxEntry+1<<20)), left: &left})
	if len(list) != 1 || !errors.Is(err, errTooLong) {
		t.Errorf("%d, %v", len(list), err)
	}
	list, err = readSignatures(&bounded{from: strings.NewReader(`{"manifests":[` + strings.Repeat(one+",", maxListed+1)), left: &left})
	if len(list) != maxListed || err != nil {
		t.Errorf("%d, %v", len(list), err)
	}
}

// Neither the password of a reference nor what a registry's redirection grants is told.
func TestSecrets(t *testing.T) {
	b := newBench(t, true)
	b.push("10-a.wasm", "a:1", "")
	secret := func(what string, err error) {
		t.Helper()
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", what, err)
		}
	}
	host := strings.TrimPrefix(b.server.URL, "http://")
	for _, reference := range []string{"oci://me:secret@" + host + "/a:1", "oci://me:se/secret@" + host + "/a:1", "https://me:secret@" + host + "/a",
		"me:secret@" + host + "/a:1", "oci://secret@" + host + "/a@sha256:" + strings.Repeat("0", 64),
		b.reference("a:1?token=secret"), b.reference("a?token=secret"), "oci://me:secret@sha256:" + strings.Repeat("0", 64), "oci://me:secret/a@sha256:" + strings.Repeat("0", 64)} {
		_, err := b.pull(reference, "", "")
		secret(reference, err)
		if want := "it is not repeated here: credentials are those of docker login"; err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", reference, err)
		}
		_, err = Push{Module: b.path("10-a.wasm"), Reference: reference, PlainHTTP: true}.Do(t.Context())
		secret(reference, err)
	}
	inner := b.server.Config.Handler
	for _, location := range []string{"http://me:secret@127.0.0.1:1/module?X-Amz-Signature=secret", b.server.URL + "/module?X-Amz-Signature=secret"} {
		b.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/module":
				w.WriteHeader(http.StatusForbidden)
			case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/"):
				w.Header().Set("Location", location)
				w.WriteHeader(http.StatusTemporaryRedirect)
			default:
				inner.ServeHTTP(w, r)
			}
		})
		_, err := b.pull(b.reference("a:1"), "", "")
		secret(location, err)
		if err != nil && !strings.Contains(err.Error(), "/module?...") {
			t.Errorf("it is not told where the module was looked for: %v", err)
		}
	}
}

// What a registry says is not taken for what snatd says.
func TestSpeech(t *testing.T) {
	b := newBench(t, true)
	b.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"errors":[{"code":"DENIED","message":"no\nverified"}]}`)
	})
	_, err := b.pull(b.reference("a:1"), "", "")
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "no verified") {
		t.Errorf("%q", err)
	}
}

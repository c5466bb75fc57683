package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"

	"github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote"
)

// What is read of the list of what refers to a module. Registries copy the annotations
// of each manifest into it, so anybody who may push makes it as long as they like.
const (
	maxListed = 100_000  // signatures
	maxList   = 1 << 30  // bytes
	maxEntry  = 64 << 20 // bytes of it that are in memory at once: one manifest's, with all characters escaped
)

var (
	errEnough  = errors.New("enough") // ends a list
	errTooLong = errors.New("the list is too long")
	errBroken  = errors.New("the list ends in its middle")
)

// listReferrers lists what refers to an artifact as signatures. With an error the list
// is what was read before it.
func listReferrers(ctx context.Context, from *remote.Repository, artifact v1.Descriptor) ([]v1.Descriptor, error) {
	client := &lean{Client: from.Client, left: maxList}
	lister := remote.Repository{Client: client, Reference: from.Reference, PlainHTTP: from.PlainHTTP, MaxMetadataBytes: from.MaxMetadataBytes}
	var list []v1.Descriptor
	err := lister.Referrers(ctx, artifact, signatureType, func(page []v1.Descriptor) error {
		if list = append(list, page...); len(list) >= maxListed {
			list = list[:maxListed]
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return list, nil
	}
	if err == nil {
		err = client.cut
	}
	if err != nil {
		err = fmt.Errorf("what refers to it cannot be listed: %w", err)
	}
	return list, err
}

// lean is a client that leaves out of lists of referrers what nobody here reads, before
// anybody decodes them as a whole.
type lean struct {
	remote.Client
	left int64 // bytes of lists that may come yet
	cut  error // why a list was not read to its end
}

// Do sends a request. A list that cannot be read to its end is answered as if it ended
// there; none is asked for after it.
func (l *lean) Do(request *http.Request) (*http.Response, error) {
	if l.cut != nil {
		return nil, l.cut
	}
	answer, err := l.Client.Do(request)
	if err != nil || answer.StatusCode != http.StatusOK || path.Base(path.Dir(request.URL.Path)) != "referrers" {
		return answer, err
	}
	var index v1.Index
	body := &bounded{from: answer.Body, left: &l.left}
	index.Manifests, l.cut = readSignatures(body)
	if errors.Is(l.cut, io.EOF) || errors.Is(l.cut, io.ErrUnexpectedEOF) {
		l.cut = errBroken
	}
	text, err := json.Marshal(index)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return answer, nil
}

// readSignatures reads an index entry by entry and returns those of signatures, without
// their annotations; with an error those before it.
func readSignatures(from *bounded) (list []v1.Descriptor, err error) {
	decoder := json.NewDecoder(from)
	from.entry = maxEntry
	if token, err := decoder.Token(); err != nil {
		return nil, err
	} else if token != json.Delim('{') {
		return nil, errors.New("the list is no JSON object")
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return list, err
		}
		if key != "manifests" {
			from.entry = maxEntry
			if err := decoder.Decode(new(json.RawMessage)); err != nil {
				return list, err
			}
			continue
		}
		switch token, err := decoder.Token(); {
		case err != nil:
			return list, err
		case token == nil: // null
			continue
		case token != json.Delim('['):
			return list, errors.New("the list's manifests are no array")
		}
		for decoder.More() && len(list) < maxListed {
			var entry v1.Descriptor
			from.entry = maxEntry
			if err := decoder.Decode(&entry); err != nil {
				return list, err
			}
			// Text of any length is in what is not kept.
			if entry.ArtifactType == signatureType && entry.MediaType == v1.MediaTypeImageManifest && entry.Digest.Validate() == nil {
				list = append(list, v1.Descriptor{MediaType: entry.MediaType, ArtifactType: entry.ArtifactType, Digest: entry.Digest, Size: entry.Size})
			}
		}
		if len(list) == maxListed {
			return list, nil
		}
		if _, err := decoder.Token(); err != nil { // the array's end
			return list, err
		}
	}
	_, err = decoder.Token()
	return list, err
}

// bounded reads lists until one entry, or all together, have too many bytes.
type bounded struct {
	from  io.Reader
	entry int64  // bytes that the entry may have yet
	left  *int64 // and all
}

func (b *bounded) Read(p []byte) (int, error) {
	most := min(b.entry, *b.left)
	if most <= 0 {
		return 0, errTooLong
	}
	n, err := b.from.Read(p[:min(int64(len(p)), most)])
	b.entry -= int64(n)
	*b.left -= int64(n)
	return n, err
}

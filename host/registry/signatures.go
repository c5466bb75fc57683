package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/snatd/snatd/host/signature"
)

// What is looked at of what refers to a module: anybody who may push can add to it.
const (
	maxListed     = 100_000  // in the registry's list
	maxSignatures = 1_000    // of these, drawn at random if there are more: no place in the list is better than another
	maxReferrer   = 16 << 10 // bytes, the manifest of one
)

// errEnough ends a list.
var errEnough = errors.New("enough")

// fetchSignatures returns the signatures of a module that refer to its artifact, as one
// file; nil if there are none. With a key that is one by it, and else an error. What is
// wrong with one costs no other.
func fetchSignatures(ctx context.Context, from *remote.Repository, artifact v1.Descriptor, wasm []byte, key signature.PublicKey) ([]byte, error) {
	referrers, err := listReferrers(ctx, from, artifact)
	if err != nil {
		return nil, explain(from.Reference, err)
	}
	listed := len(referrers)
	if listed > maxSignatures {
		rand.Shuffle(listed, func(i, j int) { referrers[i], referrers[j] = referrers[j], referrers[i] })
		referrers = referrers[:maxSignatures]
	}
	var list []byte
	var illegible error // the first of those that are
	for _, referrer := range referrers {
		lines, err := fetchReferrer(ctx, from, referrer)
		switch {
		case ctx.Err() != nil:
			return nil, explain(from.Reference, ctx.Err())
		case err == nil && key.Given():
			var line []byte
			if line, err = key.Find(wasm, lines); err == nil {
				return line, nil
			}
		case err == nil && len(list)+len(lines) < signature.MaxFile:
			list = append(append(list, bytes.TrimSpace(lines)...), '\n')
		}
		if illegible == nil && err != nil && !errors.Is(err, signature.ErrNone) {
			illegible = err
		}
	}
	if !key.Given() {
		return list, nil
	}
	return nil, unsigned(listed, len(referrers), illegible)
}

// unsignedError says that no signature is by the key that is asked for.
type unsignedError struct{ error }

func (e *unsignedError) Unwrap() error { return e.error }

func unsigned(listed, read int, illegible error) error {
	if listed == 0 {
		return &unsignedError{errors.New("it has no signature")}
	}
	text := fmt.Sprintf("none of its %d signatures is one of this module by that key", listed)
	if listed > read {
		text = fmt.Sprintf("none of %d signatures, drawn from %d that it has, is one of this module by that key; another pull draws others", read, listed)
	}
	if illegible != nil {
		return &unsignedError{fmt.Errorf("%s, and some cannot be read: %w", text, withoutQueries{illegible})}
	}
	return &unsignedError{errors.New(text)}
}

// listReferrers lists what refers to an artifact as signatures.
func listReferrers(ctx context.Context, from *remote.Repository, artifact v1.Descriptor) ([]v1.Descriptor, error) {
	var list []v1.Descriptor
	err := from.Referrers(ctx, artifact, signatureType, func(page []v1.Descriptor) error {
		if list = append(list, page...); len(list) >= maxListed {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return list, err
}

// fetchReferrer returns the file of signatures that an artifact has as its only layer.
func fetchReferrer(ctx context.Context, from *remote.Repository, referrer v1.Descriptor) ([]byte, error) {
	text, err := fetchBounded(ctx, from.Manifests(), referrer, maxReferrer)
	if err != nil {
		return nil, err
	}
	var manifest v1.Manifest
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, err
	}
	if len(manifest.Layers) != 1 || manifest.Layers[0].MediaType != signatureType {
		return nil, fmt.Errorf("%s has other layers than one %s", referrer.Digest, signatureType)
	}
	lines, err := fetchBounded(ctx, from.Blobs(), manifest.Layers[0], signature.MaxFile)
	if err == nil {
		_, err = signature.Parse(lines)
	}
	return lines, err
}

// fetchBounded fetches what has no more bytes than that.
func fetchBounded(ctx context.Context, from content.Fetcher, what v1.Descriptor, most int64) ([]byte, error) {
	if what.Size < 0 || what.Size > most {
		return nil, fmt.Errorf("%s has %d bytes, accepted: at most %d", what.Digest, what.Size, most)
	}
	return content.FetchAll(ctx, from, what)
}

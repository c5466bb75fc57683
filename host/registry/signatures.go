package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/snatd/snatd/host/signature"
)

// What is looked at of what refers to a module: anybody who may push can add to it.
const (
	maxSignatures = 1_000    // drawn at random if there are more: no place in the list is better than another
	maxReferrer   = 16 << 10 // bytes, the manifest of one
	atOnce        = 8        // are fetched, each with two requests
)

// fetchSignatures returns the signatures of a module that refer to its artifact, as one
// file; nil if there are none. With a key that is one by it, and else an error. What is
// wrong with one costs no other. Without a key unlisted says why some may be missing.
func fetchSignatures(ctx context.Context, from *remote.Repository, artifact v1.Descriptor, wasm []byte, key signature.PublicKey) (list []byte, unlisted, err error) {
	referrers, unlisted := listReferrers(ctx, from, artifact)
	if unlisted != nil {
		unlisted = explain(from.Reference, unlisted)
	}
	listed := len(referrers)
	if listed > maxSignatures {
		rand.Shuffle(listed, func(i, j int) { referrers[i], referrers[j] = referrers[j], referrers[i] })
		referrers = referrers[:maxSignatures]
	}
	files := make([][]byte, len(referrers))
	failed := make([]error, len(referrers))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	var found atomic.Pointer[[]byte]
	for i, referrer := range referrers {
		group.Go(func() error {
			files[i], failed[i] = fetchReferrer(within, from, referrer)
			if failed[i] == nil && key.Given() {
				var line []byte
				if line, failed[i] = key.Find(wasm, files[i]); failed[i] == nil {
					found.Store(&line)
					return errEnough // which ends the others
				}
			}
			return nil
		})
	}
	err = group.Wait()
	switch {
	case errors.Is(err, errEnough):
		return *found.Load(), nil, nil
	case ctx.Err() != nil:
		return nil, nil, explain(from.Reference, ctx.Err())
	case key.Given() && listed == 0 && unlisted != nil:
		return nil, nil, unlisted
	case key.Given():
		return nil, nil, unsigned(listed, failed, unlisted)
	}
	for i, lines := range files {
		if failed[i] == nil && len(list)+len(lines) < signature.MaxFile {
			list = append(append(list, bytes.TrimSpace(lines)...), '\n')
		}
	}
	return list, unlisted, nil
}

// unsignedError says that no signature is by the key that is asked for.
type unsignedError struct{ error }

func (e *unsignedError) Unwrap() error { return e.error }

// unsigned tells what was found wrong with those that were read, of those that are listed.
func unsigned(listed int, failed []error, unlisted error) error {
	if listed == 0 {
		return &unsignedError{errors.New("it has no signature")}
	}
	text := fmt.Sprintf("none of its %d signatures is one of this module by that key", listed)
	if listed > len(failed) {
		text = fmt.Sprintf("none of %d signatures, drawn from %d that it has, is one of this module by that key; another pull draws others", len(failed), listed)
	}
	err := errors.New(text)
	if i := slices.IndexFunc(failed, func(err error) bool { return !errors.Is(err, signature.ErrNone) }); i >= 0 {
		err = fmt.Errorf("%w, and some cannot be read: %w", err, harmless{failed[i]})
	}
	if unlisted != nil {
		err = fmt.Errorf("%w, and there may be more: %w", err, unlisted)
	}
	return &unsignedError{err}
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

package facts

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/snatd/snatd/host/document"
)

// Encode writes the facts in the format of the static facts file: what one node
// saw can be read on any other.
func (d *Document) Encode() ([]byte, error) { return document.Encode(d) }

// Encode writes a snapshot as a document, with what is known of the node's primary
// interface.
func (s *Snapshot) Encode() ([]byte, error) {
	d := s.recorded()
	return d.Encode()
}

// Digest identifies what Encode writes, at a hundredth of its cost.
func (s *Snapshot) Digest() (string, error) {
	text, err := json.Marshal(s.recorded())
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

func (s *Snapshot) recorded() Document {
	d := s.Document
	d.Node.PrimaryAddress, d.Node.Addresses, d.Node.PrimaryInterface = s.PrimaryAddress, s.Addresses, s.PrimaryInterface
	return d
}

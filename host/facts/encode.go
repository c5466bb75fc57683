package facts

import "github.com/snatd/snatd/host/document"

// Encode writes the facts in the format of the static facts file: what one node
// saw can be read on any other.
func (d *Document) Encode() ([]byte, error) { return document.Encode(d) }

// Encode writes a snapshot as a document, with the node's addresses.
func (s *Snapshot) Encode() ([]byte, error) {
	d := s.Document
	d.Node.PrimaryAddress, d.Node.Addresses = s.PrimaryAddress, s.Addresses
	return d.Encode()
}

package facts

import "github.com/snatd/snatd/host/document"

// Encode writes the facts in the format of the static facts file: what one node
// saw can be read on any other.
func (d *Document) Encode() ([]byte, error) { return document.Encode(d) }

package config

import "github.com/snatd/snatd/host/document"

// Encode writes the configuration as a file that Load reads as the same.
func (c Config) Encode() ([]byte, error) { return document.Encode(c) }

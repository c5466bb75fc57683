package sdk

import (
	"errors"
	"strconv"
	"strings"
)

// What Kubernetes accepts of labels and annotations, in characters.
const (
	maxName   = 63  // a key behind its prefix, and the value of a label
	maxDomain = 253 // the prefix of a key
)

// CheckLabelKey returns an error unless Kubernetes accepts text as the key of a label:
// a name of at most 63 characters, behind a DNS name and a slash if it belongs to
// somebody. A policy that asks for another one asks for what nothing can have.
func CheckLabelKey(text string) error {
	name := text
	domain, rest, ok := strings.Cut(text, "/")
	if ok {
		name = rest
	}
	if !isName(name) || ok && !isDomain(domain) {
		return errors.New(strconv.Quote(text) + ` is no key in Kubernetes, want at most 63 letters, digits, "-", "_" and ".", with an optional DNS name before a "/", such as "example.com/egress"`)
	}
	return nil
}

// CheckAnnotationKey is CheckLabelKey for annotations, whose DNS names may have capital
// letters too.
func CheckAnnotationKey(text string) error {
	if CheckLabelKey(strings.ToLower(text)) == nil {
		return nil
	}
	return CheckLabelKey(text)
}

// CheckLabelValue returns an error unless Kubernetes accepts text as the value of a
// label. An empty one it does accept.
func CheckLabelValue(text string) error {
	if text != "" && !isName(text) {
		return errors.New(strconv.Quote(text) + ` is no value of a label in Kubernetes, want at most 63 letters, digits, "-", "_" and ".", such as "own-address"`)
	}
	return nil
}

// isName says whether text is letters, digits and, between them, "-", "_" and ".".
func isName(text string) bool {
	for i := range len(text) {
		ends := i == 0 || i == len(text)-1
		if !isAlphanumeric(text[i]) && (ends || strings.IndexByte("-_.", text[i]) < 0) {
			return false
		}
	}
	return text != "" && len(text) <= maxName
}

// isDomain says whether text is a DNS name in lower case.
func isDomain(text string) bool {
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; c != '-' && (!isAlphanumeric(c) || 'A' <= c && c <= 'Z') {
				return false
			}
		}
	}
	return len(text) <= maxDomain
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

package sdk_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/snatd/snatd/sdk"
)

// Keys and values are accepted as Kubernetes accepts them. Those of annotations it
// looks at in lower case.
func TestLabels(t *testing.T) {
	const a63 = "aaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg"
	a253 := a63 + "." + a63 + "." + a63 + "." + a63[:61]
	accepted := 0
	for _, text := range []string{
		"", "a", "A", "1", "-", "-a", "a-", "a-b", "a.b", "a_b", ".a", "a.", "_a", "a b", "a,b", "a=b", "a\n", "b\u00fccher", a63, a63 + "a",
		"example.com/a", "Example.com/a", "example.com/A", "example.com/", "/a", "/", "a/b/c", "example.com//a", "example..com/a", "example.com./a",
		".example.com/a", "-a.com/a", "a-.com/a", "a-b.com/a", "a_b/a", "a b/a", "1/1", "com/" + a63, "com/" + a63 + "a", "com/-a", "com/a b",
		a253 + "/a", a253 + "a/a", a63 + "a/a", "own-address", "=",
	} {
		key := len(validation.IsQualifiedName(text)) == 0
		if err := sdk.CheckLabelKey(text); (err == nil) != key {
			t.Errorf("key %q: %v, Kubernetes accepts it: %t", text, err, key)
		}
		if err, want := sdk.CheckAnnotationKey(text), len(validation.IsQualifiedName(strings.ToLower(text))) == 0; (err == nil) != want {
			t.Errorf("annotation %q: %v, Kubernetes accepts it: %t", text, err, want)
		}
		if err, want := sdk.CheckLabelValue(text), len(validation.IsValidLabelValue(text)) == 0; (err == nil) != want {
			t.Errorf("value %q: %v, Kubernetes accepts it: %t", text, err, want)
		}
		if key {
			accepted++
		}
	}
	if accepted < 10 {
		t.Errorf("only %d keys are any", accepted)
	}
	const key = `"Keep It" is no key in Kubernetes, want at most 63 letters, digits, "-", "_" and ".", with an optional DNS name before a "/", such as "example.com/egress"`
	for err, want := range map[error]string{
		sdk.CheckLabelKey("Keep It"):      key,
		sdk.CheckAnnotationKey("Keep It"): key,
		sdk.CheckLabelValue("keep it"):    `"keep it" is no value of a label in Kubernetes, want at most 63 letters, digits, "-", "_" and ".", such as "own-address"`,
	} {
		if text(err) != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

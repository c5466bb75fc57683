// Package convert writes snatd's configuration from that of other programs that
// translate, and says what differs.
//
// It goes from text to text. What a program has put into the kernel, and how a node
// moves over, is not known here.
package convert

// Result is a configuration of snatd, with what its operator has to know.
type Result struct {
	// YAML is a configuration file; its comments say what each value is from, and end
	// with the notes.
	YAML []byte
	// Notes say where snatd does otherwise than the other program, or has no such setting:
	// one sentence each, which begins in lower case and ends without a period.
	Notes []string
}

package facts

import "time"

// Provenance is where facts come from and how old they are. A source that fails
// keeps its last good facts, so that they may be older than its latest attempt.
type Provenance struct {
	// Source names the source, such as "imds".
	Source string `json:"source"`
	// Success is when the source was last read; zero until it was.
	Success time.Time `json:"success,omitzero"`
	// Failure is when reading the source last failed; zero if it never did.
	Failure time.Time `json:"failure,omitzero"`
	// Error is why the latest attempt failed; empty if it succeeded.
	Error string `json:"error,omitempty"`
	// Since is since when every attempt has failed; zero if the latest succeeded.
	Since time.Time `json:"since,omitzero"`
	// Next is when the source is read again, if nothing asks for it earlier;
	// zero if that is not known.
	Next time.Time `json:"next,omitzero"`
}

// Fail notes an attempt that failed.
func (p *Provenance) Fail(now time.Time, why string) {
	if p.Error == "" {
		p.Since = now
	}
	p.Failure, p.Error = now, why
}

// Mend notes that nothing fails any more.
func (p *Provenance) Mend() { p.Error, p.Since = "", time.Time{} }

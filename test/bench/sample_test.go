package main

import "testing"

func TestSample(t *testing.T) {
	s := sample{30, 10, 20, 1000}
	if got := s.median(); got != 25 {
		t.Errorf("median %v, want 25", got)
	}
	if got := s.quantile(0); got != 10 {
		t.Errorf("least %v, want 10", got)
	}
	if got := s.quantile(1); got != 1000 {
		t.Errorf("most %v, want 1000", got)
	}
	if got := (sample{7}).median(); got != 7 {
		t.Errorf("median of one %v, want 7", got)
	}
	// A round in which the machine was slow does not count.
	if got := (sample{10, 200, 12}).against(sample{5, 100, 4}); got != 2 {
		t.Errorf("ratio %v, want 2", got)
	}
}

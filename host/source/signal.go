package source

// Signal leaves one tick in a channel of capacity 1, without waiting: ticks that
// nobody has taken yet are one.
func Signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// drain takes the tick that may be there.
func drain(from <-chan struct{}) {
	select {
	case <-from:
	default:
	}
}

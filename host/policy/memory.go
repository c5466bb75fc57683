package policy

import (
	"sync"

	"github.com/tetratelabs/wazero/experimental"
)

// memories lends linear memory to instances. A fresh instance for each
// evaluation would otherwise leave megabytes to the garbage collector each
// time; memory that is used again halves the time of an evaluation. The pool
// is empty again after two collections.
type memories struct {
	limit uint64    // bytes that one instance may have
	pool  sync.Pool // of *[]byte, zero over the whole capacity
}

func newMemories(pages uint32) *memories {
	return &memories{limit: uint64(pages) << 16}
}

// memory is the linear memory of an instance.
type memory struct {
	pool    *memories
	bytes   []byte
	refused bool // a growth past the limit: what the guest does next is due to that
}

// allocator gives the memory to the instance that is created with it.
func (m *memory) allocator() experimental.MemoryAllocator {
	return experimental.MemoryAllocatorFunc(func(_, _ uint64) experimental.LinearMemory {
		if kept, ok := m.pool.pool.Get().(*[]byte); ok {
			m.bytes = (*kept)[:0]
		}
		return m
	})
}

// Reallocate implements experimental.LinearMemory.
func (m *memory) Reallocate(size uint64) []byte {
	if size > m.pool.limit {
		m.refused = true
		return nil
	}
	if size > uint64(cap(m.bytes)) {
		larger := make([]byte, size, max(size, min(2*uint64(cap(m.bytes)), m.pool.limit)))
		copy(larger, m.bytes)
		m.bytes = larger
	}
	m.bytes = m.bytes[:size]
	return m.bytes
}

// Free implements experimental.LinearMemory. The instance is closed; nothing of
// it may be seen by the next.
func (m *memory) Free() {
	clear(m.bytes)
	kept := m.bytes[:0]
	m.bytes = nil
	m.pool.pool.Put(&kept)
}

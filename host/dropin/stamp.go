package dropin

import (
	"os"
	"syscall"
	"time"
)

// stamp is what tells a file that changed from one that did not, without reading
// it. The zero stamp is of no file.
type stamp struct {
	device, inode     uint64
	size              int64
	modified, changed syscall.Timespec
}

// stampOf follows links: a mounted ConfigMap consists of them.
func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	s := info.Sys().(*syscall.Stat_t)
	return stamp{device: s.Dev, inode: s.Ino, size: s.Size, modified: s.Mtim, changed: s.Ctim}, nil
}

// tick is more than the times of a file system may be apart from the clock. A
// file that is changed twice within one has the same stamp after both.
const tick = time.Second

// settled tells whether a change of the file after at gives it another stamp.
func (s stamp) settled(at time.Time) bool {
	last := at.Add(-tick)
	return time.Unix(s.modified.Unix()).Before(last) && time.Unix(s.changed.Unix()).Before(last)
}

// stamps are those of a module and of what is beside it.
type stamps struct{ module, sidecar, signature stamp }

// settled tells whether a change of any of the files after at gives it another stamp.
func (s stamps) settled(at time.Time) bool {
	return s.module.settled(at) && s.sidecar.settled(at) && s.signature.settled(at)
}

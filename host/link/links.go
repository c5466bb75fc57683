package link

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vishvananda/netlink"
)

func links() ([]netlink.Link, error) {
	all, err := complete(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	return all, nil
}

func names(all []netlink.Link) string {
	list := make([]string, len(all))
	for i, l := range all {
		list[i] = l.Attrs().Name
	}
	return strings.Join(list, ", ")
}

// complete repeats a dump that the kernel says has changed on the way.
func complete[T any](dump func() (T, error)) (result T, err error) {
	for range 5 {
		if result, err = dump(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return result, err
}

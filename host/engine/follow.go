package engine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/link"
	"github.com/snatd/snatd/host/watch"
)

// follower tells when inputs have changed.
type follower struct {
	log *slog.Logger
	// files ticks when a followed file changes; links when the node's network
	// does. Nil is a subscription that could not be had or that ended.
	files, links <-chan struct{}
	paths        []string
	stop         context.CancelFunc // of files
}

// follow makes the subscriptions be those of a configuration. It says whether
// there is a fresh one: what it follows may have changed since it was read.
func (f *follower) follow(ctx context.Context, configFile string, cfg config.Config) (fresh bool, p problems) {
	if f.links == nil {
		links, err := link.Watch(ctx)
		if err != nil {
			p.addPassing("network", fmt.Errorf("changes of interfaces and addresses are not seen: %w", err))
		} else {
			f.links, fresh = links, true
		}
	}
	var paths []string
	for _, path := range []string{configFile, cfg.Facts.File, cfg.Kubernetes.Kubeconfig, cfg.Policies.Directory} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	if f.files != nil && slices.Equal(paths, f.paths) {
		return fresh, p
	}
	f.close()
	inner, stop := context.WithCancel(ctx)
	files, err := watch.Files(inner, f.log, paths...)
	if err != nil {
		stop()
		p.addPassing("files", fmt.Errorf("changes of files are not seen: %w", err))
		return fresh, p
	}
	f.files, f.paths, f.stop = files, paths, stop
	return true, p
}

// close ends the following of files.
func (f *follower) close() {
	if f.stop != nil {
		f.stop()
	}
	f.files, f.paths, f.stop = nil, nil, nil
}

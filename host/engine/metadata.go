package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/facts"
)

// metadata follows the instance metadata service while the configuration asks
// for it.
type metadata struct {
	log      *slog.Logger
	interval config.Duration
	imds     *aws.IMDS // nil while nobody asks for it
	stop     context.CancelFunc
	// before is what was known when another interval began.
	before *aws.Instance
}

// follow makes the service be followed as the configuration says. It says
// whether that has just begun.
func (m *metadata) follow(ctx context.Context, cfg config.Facts) (fresh bool, err error) {
	if cfg.VPC != config.VPCIMDS {
		m.close()
		m.before = nil
		return false, nil
	}
	if m.imds != nil && m.interval == cfg.Interval {
		return false, nil
	}
	m.before, _ = m.latest()
	m.close()
	imds, err := aws.NewIMDS(aws.Options{Interval: time.Duration(cfg.Interval), Log: m.log})
	if err != nil {
		return false, err
	}
	ctx, m.stop = context.WithCancel(ctx)
	m.imds, m.interval = imds, cfg.Interval
	go imds.Run(ctx)
	return true, nil
}

// changed ticks when there is something new; nil while nobody asks.
func (m *metadata) changed() <-chan struct{} {
	if m.imds == nil {
		return nil
	}
	return m.imds.Changed()
}

// latest is the last good instance, nil before the first.
func (m *metadata) latest() (*aws.Instance, facts.Provenance) {
	if m.imds == nil {
		return m.before, facts.Provenance{Source: config.VPCIMDS}
	}
	instance, provenance := m.imds.Latest()
	if instance == nil {
		instance = m.before
	}
	return instance, provenance
}

// refresh asks again now: the node's network has changed.
func (m *metadata) refresh() {
	if m.imds != nil {
		m.imds.Refresh()
	}
}

func (m *metadata) close() {
	if m.stop != nil {
		m.stop()
	}
	m.imds, m.stop = nil, nil
}

// report adds what is wrong with the service now.
func (m *metadata) report(p *problems) {
	if _, provenance := m.latest(); provenance.Error != "" {
		p.list = append(p.list, Problem{provenance.Source, provenance.Error})
	}
}

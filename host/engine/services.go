package engine

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/file"
	"github.com/snatd/snatd/host/kubernetes"
)

// services are the sources that have to be asked, as far as the configuration
// names them.
type services struct {
	log     *slog.Logger
	imds    service[aws.Instance, config.Duration]
	ec2     service[aws.Network, ec2Settings]
	cluster service[kubernetes.State, clusterSettings]
	// refresh asks the metadata service now, and arrived takes the times when
	// changes of pods have come in; nil while they are not followed.
	refresh func()
	arrived func() []time.Time
	// announcer tells the cluster's operators of what happens.
	announcer announcer
}

type ec2Settings struct {
	interval            config.Duration
	region, subnet, vpc string
	prefixLists         string // each ends in a NUL byte
}

type clusterSettings struct {
	config.Kubernetes
	ipFamily string
	// content is that of the kubeconfig file: client-go reads it once.
	content string
}

// follow makes the services that the configuration names, and no others, be
// followed. It says whether one has just begun.
func (s *services) follow(ctx context.Context, cfg config.Config) (begun bool, p problems) {
	take := func(source string, fresh bool, err error) {
		begun = begun || fresh
		if err != nil {
			p.addPassing(source, err)
		}
	}
	fresh, err := s.followIMDS(ctx, cfg.Facts)
	take(config.VPCIMDS, fresh, err)
	fresh, err = s.followEC2(ctx, cfg.Facts)
	take("ec2", fresh, err)
	fresh, err = s.followCluster(ctx, cfg)
	take(config.PodsKubernetes, fresh, err)
	return begun, p
}

func (s *services) followIMDS(ctx context.Context, cfg config.Facts) (bool, error) {
	if cfg.VPC != config.VPCIMDS {
		s.imds.close()
		s.refresh = nil
		return false, nil
	}
	return s.imds.follow(ctx, config.VPCIMDS, cfg.Interval, func() (*following[aws.Instance], error) {
		imds, err := aws.NewIMDS(aws.Options{Interval: time.Duration(cfg.Interval), Log: s.log})
		if err != nil {
			return nil, err
		}
		s.refresh = imds.Refresh
		return polled(imds), nil
	})
}

// followEC2 follows the EC2 API once it is known whose route table is meant.
func (s *services) followEC2(ctx context.Context, cfg config.Facts) (bool, error) {
	instance := s.imds.latest()
	if !cfg.EC2 {
		s.ec2.close()
	}
	if !cfg.EC2 || instance == nil {
		return false, nil
	}
	settings := ec2Settings{cfg.EC2Interval, instance.Region, instance.SubnetID, instance.VPCID, strings.Join(cfg.PrefixLists, "\x00")}
	return s.ec2.follow(ctx, "ec2", settings, func() (*following[aws.Network], error) {
		ec2, err := aws.NewEC2(aws.EC2Options{
			Region: instance.Region, SubnetID: instance.SubnetID, VPCID: instance.VPCID,
			PrefixLists: cfg.PrefixLists, Interval: time.Duration(cfg.EC2Interval), Log: s.log,
		})
		if err != nil {
			return nil, err
		}
		return polled(ec2), nil
	})
}

func (s *services) followCluster(ctx context.Context, cfg config.Config) (bool, error) {
	if cfg.Facts.Pods != config.PodsKubernetes {
		s.cluster.close()
		s.arrived = nil
		s.announcer.to.Store(nil)
		return false, nil
	}
	settings := clusterSettings{Kubernetes: cfg.Kubernetes, ipFamily: cfg.Network.IPFamily}
	if settings.Node == "" {
		name, err := hostName()
		if err != nil {
			return false, err
		}
		settings.Node = name
	}
	if settings.Kubeconfig != "" {
		// What is wrong with the file is said when it is used.
		text, _ := file.Read(settings.Kubeconfig, maxKubeconfig)
		settings.content = string(text)
	}
	return s.cluster.follow(ctx, config.PodsKubernetes, settings, func() (*following[kubernetes.State], error) {
		cluster, err := kubernetes.New(kubernetes.Options{
			Node: settings.Node, Kubeconfig: settings.Kubeconfig, IPFamily: settings.ipFamily, Log: s.log,
		})
		if err != nil {
			return nil, err
		}
		s.arrived = cluster.Arrived
		s.announcer.to.Store(cluster)
		return &following[kubernetes.State]{cluster.Run, cluster.Changed(), cluster.Latest, cluster.Provenance}, nil
	})
}

// maxKubeconfig is how large a kubeconfig file may be, in bytes.
const maxKubeconfig = 1 << 20

// hostName is the node's name as its kubelet makes it by default.
func hostName() (string, error) {
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("kubernetes.node: empty, and there is no host name: %w", err)
	}
	name = strings.ToLower(name)
	if err := config.CheckNode(name); err != nil {
		return "", fmt.Errorf("kubernetes.node: empty, and the host name is none of a node: %w", err)
	}
	return name, nil
}

// poller is a source that is asked again and again.
type poller[V any] interface {
	Run(context.Context)
	Changed() <-chan struct{}
	Latest() (*V, facts.Provenance)
}

func polled[V any](from poller[V]) *following[V] {
	return &following[V]{
		run: from.Run, changed: from.Changed(),
		latest: func() *V {
			value, _ := from.Latest()
			return value
		},
		sources: func() []facts.Provenance {
			_, provenance := from.Latest()
			return []facts.Provenance{provenance}
		},
	}
}

// await waits until every service has told something.
func (s *services) await(ctx context.Context) error {
	for !s.imds.answered() || !s.ec2.answered() || !s.cluster.answered() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.imds.changed():
		case <-s.ec2.changed():
		case <-s.cluster.changed():
		}
	}
	return nil
}

// sources say how current the facts are now.
func (s *services) sources() []func() []facts.Provenance {
	all := []func() []facts.Provenance{s.imds.sources(), s.ec2.sources(), s.cluster.sources()}
	return slices.DeleteFunc(all, func(f func() []facts.Provenance) bool { return f == nil })
}

// report adds what is wrong with the services now.
func (s *services) report(p *problems) {
	for _, sources := range s.sources() {
		for _, provenance := range sources() {
			if provenance.Error != "" && !p.has(provenance.Source) {
				message := strings.TrimPrefix(provenance.Error, provenance.Source+": ")
				p.list = append(p.list, Problem{provenance.Source, message})
			}
		}
	}
	if state := s.cluster.latest(); state != nil {
		for _, problem := range state.Problems {
			p.list = append(p.list, Problem(problem))
		}
	}
}

func (s *services) close() {
	s.imds.close()
	s.ec2.close()
	s.cluster.close()
	s.refresh, s.arrived = nil, nil
	s.announcer.to.Store(nil)
}

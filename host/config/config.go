// Package config is what an operator can set: the configuration file, the
// variables of the AWS VPC CNI plugin and the flags, as one plain value.
//
// It reads and checks; what a setting leads to is decided where it is used.
// README.md beside this file is the reference, made from the comments below.
package config

//go:generate go test . -run Reference -write

import (
	"net/netip"
	"time"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk/abi"
)

// Config is the configuration in force. Default has what is not set; the
// configuration file overrides it, variables override the file, and flags
// override both.
type Config struct {
	Facts      Facts      `yaml:"facts"`
	Kubernetes Kubernetes `yaml:"kubernetes"`
	Network    Network    `yaml:"network"`
	SNAT       SNAT       `yaml:"snat"`
	Guard      Guard      `yaml:"guard"`
	Policies   Policies   `yaml:"policies"`
	// Path of the Unix socket at which the daemon is asked, as by `snatd status`.
	Socket string `yaml:"socket"`
	// Group whose members may ask there, by its name or its number; empty means that
	// only root may. What they are told is all that snatd knows of pods and rules; they
	// cannot approve anything. In a container, names are those of its own
	// `/etc/group`. The socket's folder must let the group through.
	SocketGroup string  `yaml:"socketGroup"`
	Metrics     Metrics `yaml:"metrics"`
	History     History `yaml:"history"`
	Log         Log     `yaml:"log"`
}

// Facts is where facts come from.
type Facts struct {
	// Where the VPC's CIDRs and the facts about the instance come from: `static`
	// is the file below; `imds` is the EC2 instance metadata service.
	VPC string `yaml:"vpc"`
	// How often the metadata service is read, a tenth more or less. It is also
	// read when the node's interfaces or addresses change.
	Interval Duration `yaml:"interval"`
	// How long to wait at a first start for the VPC's CIDRs, such as `2m`; `0s` is
	// for ever. After it everything is translated that is not excluded otherwise,
	// also inside the VPC, until the CIDRs are known. Rules of an earlier run
	// stay in force instead.
	Grace Duration `yaml:"grace"`
	// Whether the route table of the node's subnet, the peering connections and
	// the prefix lists below are read from the EC2 API: `true` or `false`. It
	// needs `facts.vpc: imds`, and a role with the permissions
	// `ec2:DescribeRouteTables`, `ec2:DescribeVpcPeeringConnections`,
	// `ec2:DescribeManagedPrefixLists` and `ec2:GetManagedPrefixListEntries`.
	EC2 bool `yaml:"ec2"`
	// How often the EC2 API is read, a tenth more or less. Its requests count
	// against a limit that the account's nodes share.
	EC2Interval Duration `yaml:"ec2Interval"`
	// Managed prefix lists to read, by ID or name.
	PrefixLists []string `yaml:"prefixLists"`
	// Where pods and namespaces come from: `kubernetes` is the API server;
	// `static` is the file below; `none` means that every pod gets the node's
	// decision.
	Pods string `yaml:"pods"`
	// How long a change may wait for others that come with it, to be applied
	// together with them. One that comes alone does not wait; in a burst that
	// lasts, each waits longer and longer, up to ten times as long.
	Coalesce Duration `yaml:"coalesce"`
	// Path of the file with static facts. It is watched: changes apply at once.
	File string `yaml:"file"`
	// Path of the file where the daemon keeps the facts in force, for its next
	// start; empty means nowhere. Where rules of an earlier run are in the kernel,
	// a source that has not answered yet is taken to say what is there. A change
	// that is held is noted beside it, in a file whose name ends in `.held`.
	Record string `yaml:"record"`
}

// Kubernetes is how the API server is asked.
type Kubernetes struct {
	// Name of the node, whose pods are followed; empty means the host name.
	Node string `yaml:"node"`
	// Path of a kubeconfig file; empty means the service account of the pod that
	// snatd runs in.
	Kubeconfig string `yaml:"kubeconfig"`
}

// Network is how the node is connected.
type Network struct {
	// Name of the primary network interface; empty means the interface of the
	// default route.
	PrimaryInterface string `yaml:"primaryInterface"`
	// IPv4 address that connections are translated to; absent means the first
	// global address of the primary interface.
	PrimaryAddress netip.Addr `yaml:"primaryAddress"`
	// Names of the interfaces that pods are behind, at least one; a name may
	// end in `*`. The variable holds a prefix: `eni` means `eni*`.
	PodInterfaces []string `yaml:"podInterfaces"`
	// Whether replies to connections that came to an address of the node by the
	// primary interface leave by it again: `true` or `false`. Nodes where the AWS
	// VPC CNI plugin has done this already do not need it.
	NodePorts bool `yaml:"nodePorts"`
	// Family of the cluster's pod addresses: `ipv4` or `ipv6`. With `ipv6`
	// nothing is translated and nothing installed. The variable is a bool; `true`
	// means `ipv6`.
	IPFamily string `yaml:"ipFamily"`
	// Whether the kernel keeps others from changing snatd's table while the daemon runs,
	// by accident or not: `auto` is where it can, from Linux 6.9; `off` is nowhere. A
	// table that exists without is not replaced for it. Both take effect when the daemon
	// starts.
	Protect string `yaml:"protect"`
	// How often the rules in the kernel are read, to see that nobody has changed them;
	// `0s` is never. What others change is noticed and put right at once besides.
	Verify Duration `yaml:"verify"`
}

// SNAT is what the default module and the rules are told about translation.
type SNAT struct {
	// Whether something outside the node translates, so that the node must
	// not: `true` or `false`.
	External bool `yaml:"external"`
	// IPv4 CIDRs towards which pods keep their addresses, beside those of the
	// VPC. Host bits must not be set; duplicates and overlaps are fine, and
	// `0.0.0.0/0` means no translation at all. Commas separate them in the
	// variable.
	ExcludeCIDRs []netip.Prefix `yaml:"excludeCIDRs"`
	// How the source port of a translated connection is chosen: `prng`
	// (random), `hashrandom` (by a hash) or `none` (kept where it is free).
	Randomize rules.Randomize `yaml:"randomize"`
	// Bit of the connection's and the packet's mark that says "translate":
	// exactly one of 32, decimal or hexadecimal. Other bits are left alone.
	Mark Mark `yaml:"mark"`
	// What becomes of live connections that a change decides otherwise: `keep` lets
	// them go on as they are; `drain` does so too, and counts them until they end;
	// `flush` ends their tracking, so that they are decided anew: most break.
	OnChange string `yaml:"onChange"`
}

// Guard is how much may change at once without an operator's word.
type Guard struct {
	MaxChange MaxChange `yaml:"maxChange"`
}

// MaxChange are the limits beyond which a change is held.
type MaxChange struct {
	// Share of the pods, and of the node's decision for pods that are not known, that
	// one change may decide otherwise for, such as `30%`. A change beyond it is held
	// until `snatd approve` lets it through, or until it is not beyond it any more.
	Pods Share `yaml:"pods"`
	// Share of the IPv4 addresses that one change may decide otherwise about for
	// any one pod, such as `10%`. A `/8` is 0.4%.
	Addresses Share `yaml:"addresses"`
}

// Policies is where policy modules are.
type Policies struct {
	// Path of the drop-in directory. It is watched, and need not exist.
	Directory string `yaml:"directory"`
	// Whether the module `routes` decides before the default one, by the route
	// table of the node's subnet: `true` or `false`. It needs `facts.ec2: true`,
	// or routes in the facts file.
	Routes bool `yaml:"routes"`
	// How long one evaluation of a drop-in may take. One that takes longer fails,
	// and its last good decision stays in force.
	Deadline Duration `yaml:"deadline"`
	// How much memory one evaluation may use, in MiB, from 4 to 1024.
	Memory MiB `yaml:"memory"`
	// Path of the directory with compiled modules, made if it does not exist;
	// empty means that modules are compiled at each start.
	Cache string `yaml:"cache"`
}

// Metrics is where the daemon can be observed.
type Metrics struct {
	// Address and TCP port for metrics and health: `/metrics`, `/healthz` and
	// `/readyz`; empty means none. One that another process has is a problem in
	// status, and is had once it is free; below port 1024 only by another start.
	Listen string `yaml:"listen"`
	// Whether the status page is served there at `/` too, for everybody who reaches the
	// port: `true` or `false`. Where the address is one of the loopback it always is.
	// It shows names and labels of pods, and changes nothing.
	Page bool `yaml:"page"`
}

// History is where the last changes are kept.
type History struct {
	// Path of the directory where the last 32 changes are kept over restarts, each
	// with its facts, configuration and modules, such as `/var/lib/snatd/history`;
	// empty means in memory only.
	Directory string `yaml:"directory"`
}

// Log is what the daemon writes to standard error.
type Log struct {
	// Which lines are written: `debug`, `info`, `warn` or `error` and what is more
	// important. A change takes effect at once.
	Level string `yaml:"level"`
}

// Default is the configuration of an operator who sets nothing.
func Default() Config {
	return Config{
		Facts: Facts{
			VPC: VPCStatic, Interval: Duration(15 * time.Second), EC2Interval: Duration(5 * time.Minute),
			Pods: PodsStatic, Coalesce: Duration(10 * time.Millisecond), File: "/etc/snatd/facts.yaml",
			Record: "/var/lib/snatd/facts.yaml",
		},
		Network: Network{PodInterfaces: []string{"eni*"}, IPFamily: IPv4, Protect: ProtectAuto, Verify: Duration(time.Minute)},
		SNAT:    SNAT{Randomize: rules.RandomizePRNG, Mark: 0x80, OnChange: OnChangeKeep},
		Guard:   Guard{MaxChange{Pods: 1, Addresses: 1}},
		Policies: Policies{
			Directory: "/etc/snatd/policies.d", Deadline: Duration(abi.GivenDeadline * time.Millisecond), Memory: abi.GivenMemory >> 20, Cache: "/var/cache/snatd",
		},
		Socket:  "/run/snatd/snatd.sock",
		Metrics: Metrics{Listen: "127.0.0.1:9477"},
		Log:     Log{Level: "info"},
	}
}

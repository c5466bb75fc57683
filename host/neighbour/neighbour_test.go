package neighbour

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/nstest"
)

func TestMain(m *testing.M) { nstest.Main(m) }

var testNode = Node{
	Mark:             0x80,
	PrimaryInterface: "eth0",
	PodInterfaces:    []string{"eni*"},
	Pods:             []netip.Addr{netip.MustParseAddr("10.0.1.5"), netip.MustParseAddr("10.0.65.6")},
}

// needTools ends the test if what the scripts run is missing.
func needTools(t testing.TB) {
	t.Helper()
	nstest.Need(t, "nft", "nftables")
	nstest.Need(t, "iptables-nft", "iptables")
	nstest.Need(t, "iptables-legacy", "iptables")
}

// newNode is a namespace with a primary interface, in which a script has run.
func newNode(t testing.TB, script string) *nstest.Namespace {
	t.Helper()
	needTools(t)
	n := nstest.New(t)
	n.Run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "peer0")
	n.Run("sh", "-ec", script)
	return n
}

func look(t testing.TB, n *nstest.Namespace, node Node) []Finding {
	t.Helper()
	var findings []Finding
	var err error
	n.Do(func() { findings, err = Look(node) })
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

func kinds(findings []Finding) []Kind {
	found := []Kind{}
	for _, f := range findings {
		found = append(found, f.Kind)
	}
	return found
}

// Rules as the programs leave them. $T is iptables-nft or iptables-legacy.
const (
	awsPlugin = `
		# Of amazon-vpc-cni-k8s with external SNAT off.
		$T -t nat -N AWS-SNAT-CHAIN-0
		$T -t nat -A POSTROUTING -m comment --comment "AWS SNAT CHAIN" -j AWS-SNAT-CHAIN-0
		$T -t nat -A AWS-SNAT-CHAIN-0 -d 10.0.0.0/16 -m comment --comment "AWS SNAT CHAIN" -j RETURN
		$T -t nat -A AWS-SNAT-CHAIN-0 ! -o vlan+ -m comment --comment "AWS, SNAT" -m addrtype ! --dst-type LOCAL \
			-j SNAT --to-source 10.0.0.10 --random-fully`
	awsMangle = `
		# These it keeps with external SNAT on.
		$T -t mangle -A PREROUTING -i eth0 -m comment --comment "AWS, primary ENI" -m addrtype --dst-type LOCAL --limit-iface-in \
			-j CONNMARK --set-xmark 0x80/0x80
		$T -t mangle -A PREROUTING -i eni+ -m comment --comment "AWS, primary ENI" -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80
		$T -t mangle -A PREROUTING -i vlan+ -m comment --comment "AWS, primary ENI" -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80
		ip rule add pref 1024 fwmark 0x80/0x80 lookup main
		ip rule add pref 512 to 10.0.1.5 lookup main
		ip rule add pref 1536 from 10.0.65.6 lookup 2`
	kubeProxy = `
		$T -t nat -N KUBE-SERVICES
		$T -t nat -N KUBE-POSTROUTING
		$T -t nat -N KUBE-MARK-MASQ
		$T -t nat -N KUBE-SVC-X
		$T -t nat -N KUBE-SEP-X
		$T -t nat -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
		$T -t nat -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
		$T -t nat -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
		$T -t nat -A KUBE-SERVICES -d 172.20.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-X
		$T -t nat -A KUBE-SVC-X ! -s 10.0.0.0/16 -d 172.20.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-MARK-MASQ
		$T -t nat -A KUBE-SVC-X -m statistic --mode random --probability 0.5 -j KUBE-SEP-X
		$T -t nat -A KUBE-SEP-X -s 10.0.1.5/32 -j KUBE-MARK-MASQ
		$T -t nat -A KUBE-SEP-X -p tcp -m tcp -j DNAT --to-destination 10.0.1.5:443
		$T -t nat -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
		$T -t nat -A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
		$T -t nat -A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully`
	docker = `
		$T -t nat -N DOCKER
		$T -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
		$T -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
		$T -t nat -A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE
		$T -t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80`
	portmap = `
		$T -t nat -N CNI-HOSTPORT-SETMARK
		$T -t nat -N CNI-HOSTPORT-MASQ
		$T -t nat -A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
		$T -t nat -A CNI-HOSTPORT-SETMARK -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark 0x2000/0x2000
		$T -t nat -A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE`
	nftKubeProxy = `
		nft 'table ip kube-proxy {
			set no-endpoint-services { type ipv4_addr . inet_proto . inet_service; }
			map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
			chain mark-for-masquerade { meta mark set meta mark | 0x4000; }
			set hairpin-connections {
				type ipv4_addr . ipv4_addr . inet_proto . inet_service
				elements = { 10.0.1.5 . 10.0.1.5 . tcp . 80, 10.0.65.6 . 10.0.65.6 . tcp . 80, 10.0.1.99 . 10.0.1.99 . tcp . 80 }
			}
			chain masquerading {
				meta mark & 0x4000 != 0 meta mark set meta mark xor 0x4000 masquerade fully-random
				ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random
			}
			chain services { ip daddr . meta l4proto . th dport vmap @service-ips; }
			chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }
			chain nat-postrouting { type nat hook postrouting priority srcnat; jump masquerading; }
		}'`
	nftDocker = `
		nft 'table ip docker-bridges {
			map out { type ifname : verdict; }
			chain out__docker0 { ip saddr 172.17.0.0/16 masquerade; }
			chain nat-postrouting { type nat hook postrouting priority srcnat; iifname vmap @out; ip saddr 172.17.0.0/16 oifname != "docker0" masquerade; }
		}
		add element ip docker-bridges out { "docker0" : jump out__docker0 }'`
)

// firewalld is how that one arranges its chains, with a rule in the zone of eth0.
func firewalld(rule string) string {
	return `nft 'table inet firewalld {
		chain nat_POST_public_allow { ` + rule + `; }
		chain nat_POST_public { jump nat_POST_public_allow; }
		chain nat_POSTROUTING_ZONES { oifname "eth0" goto nat_POST_public; goto nat_POST_public; }
		chain nat_POSTROUTING { type nat hook postrouting priority srcnat + 10; jump nat_POSTROUTING_ZONES; }
	}'`
}

// with says which program makes the rules.
func with(tool string, scripts ...string) string {
	return strings.ReplaceAll(strings.Join(scripts, "\n"), "$T ", tool+" ")
}

func TestOrdinaryNeighbours(t *testing.T) {
	ours := `
		nft 'table ip snatd {
			chain translate { ct mark set ct mark | 0x80; meta mark set meta mark | 0x80; }
			chain postrouting { type nat hook postrouting priority srcnat + 10; iifname "eni*" ct mark & 0x80 == 0x80 snat to 10.0.0.10; }
		}'
		ip rule add pref 1025 fwmark 0x80/0x80 lookup main protocol 83`
	for name, script := range map[string]string{
		"nobody":                ":",
		"snatd itself":          ours,
		"iptables-nft":          with("iptables-nft", kubeProxy, docker, portmap, awsMangle, ours),
		"iptables-legacy":       with("iptables-legacy", kubeProxy, docker, portmap, awsMangle, ours),
		"iptables-legacy, read": "iptables-legacy -t nat -L -n; iptables-legacy -t nat -A PREROUTING -d 172.20.0.1 -j DNAT --to-destination 10.0.1.5",
		"nft":                   nftKubeProxy + nftDocker,
		"libvirt":               with("iptables-nft", `$T -t nat -A POSTROUTING -s 192.168.122.0/24 ! -d 192.168.122.0/24 -p tcp -j MASQUERADE --to-ports 1024-65535`),
		"Cilium, Tailscale": `
			ip rule add pref 9 fwmark 0x200/0xf00 lookup 2004
			ip rule add pref 5210 fwmark 0x80000/0xff0000 lookup main
			iptables-nft -t mangle -A PREROUTING -j MARK --set-xmark 0x200/0xf00
			nft 'table inet wg { chain pre { type filter hook prerouting priority mangle; meta mark set ct mark; }
				chain post { type filter hook postrouting priority mangle; meta mark 51820 ct mark set meta mark; }; }'
			ip rule add pref 32764 not fwmark 51820 lookup 51820`,
	} {
		t.Run(name, func(t *testing.T) {
			if found := look(t, newNode(t, script), testNode); len(found) != 0 {
				t.Errorf("%+v", found)
			}
		})
	}
}

// cases are scripts, and what is found after each.
var cases = map[string]struct {
	script string
	want   []Kind
}{
	"AWS plugin, iptables-nft":    {with("iptables-nft", awsPlugin, awsMangle, kubeProxy), []Kind{AWSTranslates}},
	"AWS plugin, iptables-legacy": {with("iptables-legacy", awsPlugin, awsMangle, kubeProxy), []Kind{AWSTranslates}},
	"AWS plugin, nft": {"nft add table ip aws-cni; nft add chain ip aws-cni snat-mark; " +
		"nft add rule ip aws-cni snat-mark ct mark set ct mark or 0x80", []Kind{AWSTable}},
	"masquerades everything":      {"iptables-nft -t nat -A POSTROUTING -j MASQUERADE", []Kind{Translates}},
	"SNAT of an interface":        {"iptables-nft -t nat -A POSTROUTING -o eth0 -j SNAT --to-source 10.0.0.10", []Kind{Translates}},
	"a network with pods":         {"iptables-nft -t nat -A POSTROUTING -s 10.0.0.0/8 ! -d 10.0.0.0/8 -j MASQUERADE", []Kind{Translates}},
	"one of the pods":             {"iptables-nft -t nat -A POSTROUTING -s 10.0.65.6 -j MASQUERADE", []Kind{Translates}},
	"one destination":             {"iptables-nft -t nat -A POSTROUTING -d 198.51.100.1 -p tcp -m multiport --dports 80,443 -j MASQUERADE", []Kind{Translates}},
	"our own mark":                {"iptables-nft -t nat -A POSTROUTING -m mark --mark 0x80/0x80 -j MASQUERADE", []Kind{Translates}},
	"no mark of somebody":         {"iptables-nft -t nat -A POSTROUTING -m connmark ! --mark 0x1/0x1 -j MASQUERADE", []Kind{Translates}},
	"ip-masq-agent":               {with("iptables-nft", `$T -t nat -N IP-MASQ; $T -t nat -A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ; $T -t nat -A IP-MASQ -d 10.0.0.0/8 -j RETURN; $T -t nat -A IP-MASQ -j MASQUERADE`), []Kind{Translates}},
	"iptables-legacy":             {"iptables-legacy -t nat -A POSTROUTING -o eth+ -j MASQUERADE", []Kind{Legacy}},
	"iptables-legacy, all others": {"iptables-legacy -t nat -A POSTROUTING ! -s 172.17.0.0/16 -j MASQUERADE", []Kind{Legacy}},
	"nft":                         {`nft 'table ip t { chain c { type nat hook postrouting priority srcnat; oifname "eth0" masquerade; }; }'`, []Kind{Translates}},
	"nft, a set": {`nft 'table inet t { chain c { type nat hook postrouting priority 0;
			ip saddr { 10.0.0.0/16, 192.168.0.0/16 } ip daddr != { 10.0.0.0/8, 172.16.0.0-172.31.255.255 } snat ip to 10.0.0.10; }; }'`, []Kind{Translates}},
	"nft, a set of addresses":  {`nft 'table ip t { set s { type ipv4_addr; elements = { 10.0.1.5 } }; chain c { type nat hook postrouting priority 0; ip saddr @s masquerade; }; }'`, []Kind{Translates}},
	"nft, not in an empty set": {`nft 'table ip t { set s { type ipv4_addr; }; chain c { type nat hook postrouting priority 0; ip saddr != @s masquerade; }; }'`, []Kind{Translates}},
	"nft, a range":             {`nft 'table ip t { chain c { type nat hook postrouting priority 0; ip saddr 10.0.1.0-10.0.1.9 masquerade; }; }'`, []Kind{Translates}},
	"nft, a concatenation": {`nft 'table ip t { set s { type ipv4_addr . ipv4_addr; flags interval; elements = { 10.0.0.0/16 . 198.51.100.0/24 } };
			chain c { type nat hook postrouting priority 0; ip saddr . ip daddr @s masquerade; }; }'`, []Kind{Translates}},
	"nft, by a map of verdicts":      {`nft 'table ip t { chain out { masquerade; }; chain c { type nat hook postrouting priority srcnat; oifname vmap { "eth0" : goto out, "lo" : accept }; }; }'`, []Kind{Translates}},
	"nft, behind snatd":              {`nft 'table ip t { chain c { type nat hook postrouting priority srcnat + 20; masquerade; }; }'`, []Kind{Translates}},
	"firewalld":                      {firewalld(`meta nfproto ipv4 oifname != "lo" masquerade`), []Kind{Translates}},
	"firewalld without masquerading": {firewalld("counter"), []Kind{}},
	"behind a chain that returns":    {`nft 'table ip t { chain d { ip saddr 10.0.0.0/16 return; }; chain c { type nat hook postrouting priority 0; jump d; masquerade; }; }'`, []Kind{Translates}},
	"behind a goto":                  {`nft 'table ip t { chain d { counter; }; chain c { type nat hook postrouting priority 0; goto d; masquerade; }; }'`, []Kind{}},
	"nft, by the second of two intervals": {`nft 'table ip t { chain out { masquerade; }; chain c { type nat hook postrouting priority 0;
		ip saddr vmap { 10.0.0.0/24 : accept, 10.0.1.0/24 : goto out, 10.0.2.0/24 : drop }; }; }'`, []Kind{Translates}},
	"nft, a mark that some get":         {`nft 'table ip t { chain c { type nat hook postrouting priority 0; ip daddr 1.1.1.1 meta mark set 1; meta mark 0 masquerade; }; }'`, []Kind{Translates}},
	"nft, a mark that all get":          {`nft 'table ip t { chain c { type nat hook postrouting priority 0; meta mark set 1; meta mark 0 masquerade; }; }'`, []Kind{}},
	"a mark that some get":              {"iptables-nft -t nat -A POSTROUTING -d 1.1.1.1 -j MARK --set-mark 1; iptables-nft -t nat -A POSTROUTING -m mark --mark 0 -j MASQUERADE", []Kind{Translates}},
	"a mark in two steps":               {"for bit in 1 2; do iptables-nft -t nat -A POSTROUTING -j MARK --or-mark $bit; done; iptables-nft -t nat -A POSTROUTING -m mark --mark 3/0xf -j MASQUERADE", []Kind{Translates}},
	"kube-proxy, nft":                   {nftKubeProxy, []Kind{}},
	"to itself":                         {"iptables-nft -t nat -A POSTROUTING -s 10.0.65.6 -d 10.0.65.6 -p tcp -j MASQUERADE", []Kind{}},
	"to itself, iptables-legacy":        {"iptables-legacy -t nat -A POSTROUTING -s 10.0.65.6 -d 10.0.65.6 -p tcp -j MASQUERADE", []Kind{}},
	"not to itself":                     {"iptables-nft -t nat -A POSTROUTING -s 10.0.65.6 ! -d 10.0.65.6 -j MASQUERADE", []Kind{Translates}},
	"not to itself, iptables-legacy":    {"iptables-legacy -t nat -A POSTROUTING -s 10.0.65.6 ! -d 10.0.65.6 -j MASQUERADE", []Kind{Legacy}},
	"nft, to itself":                    {`nft 'table ip t { chain c { type nat hook postrouting priority 0; ip saddr 10.0.65.6 ip daddr 10.0.65.6 masquerade; }; }'`, []Kind{}},
	"nft, of another to anybody":        {`nft 'table ip t { chain c { type nat hook postrouting priority 0; ip saddr 10.0.9.9 ip daddr 198.51.100.1 masquerade; }; }'`, []Kind{}},
	"nft, of one of the pods to others": {`nft 'table ip t { chain c { type nat hook postrouting priority 0; ip saddr 10.0.65.6 ip daddr 198.51.100.1 masquerade; }; }'`, []Kind{Translates}},
	"nft, to pods":                      {`nft 'table ip t { chain c { type nat hook postrouting priority 0; ip daddr { 10.0.1.5, 10.0.65.6 } masquerade; }; }'`, []Kind{}},
	"nft, not to pods":                  {`nft 'table ip t { chain c { type nat hook postrouting priority 0; ip daddr != { 10.0.1.5, 10.0.65.6 } masquerade; }; }'`, []Kind{Translates}},
	"nft, to a network":                 {`nft 'table ip t { chain c { type nat hook postrouting priority 0; ip daddr & 255.255.255.254 == 198.51.100.0 masquerade; }; }'`, []Kind{Translates}},
	"nft, pairs": {`nft 'table ip t { set s { type ipv4_addr . ipv4_addr . inet_proto; elements = { 10.0.9.9 . 198.51.100.1 . tcp, 10.0.1.5 . 10.0.65.6 . tcp } };
			chain c { type nat hook postrouting priority 0; ip saddr . ip daddr . meta l4proto @s masquerade; }; }'`, []Kind{}},
	"nft, a pair": {`nft 'table ip t { set s { type ipv4_addr . ipv4_addr . inet_proto; elements = { 10.0.9.9 . 198.51.100.1 . tcp, 10.0.1.5 . 198.51.100.1 . tcp } };
			chain c { type nat hook postrouting priority 0; ip saddr . ip daddr . meta l4proto @s masquerade; }; }'`, []Kind{Translates}},
	"nft, none of the pairs": {`nft 'table ip t { set s { type ipv4_addr . ipv4_addr; elements = { 10.0.9.9 . 198.51.100.1, 10.0.1.5 . 10.0.65.6 } };
			chain c { type nat hook postrouting priority 0; ip saddr . ip daddr != @s masquerade; }; }'`, []Kind{Translates}},
	"two rules": {`nft 'table ip t { chain c { type nat hook postrouting priority srcnat; ip daddr 1.1.1.1 masquerade; masquerade; masquerade; }; }'`, []Kind{Translates}},

	"MARK":                         {"iptables-nft -t mangle -A PREROUTING -i eth1 -j MARK --set-xmark 0x80/0x80", []Kind{MarkSet}},
	"CONNMARK":                     {"iptables-nft -t mangle -A OUTPUT -j CONNMARK --set-mark 0x81", []Kind{MarkSet}},
	"a field":                      {"iptables-nft -t mangle -A PREROUTING -j MARK --set-xmark 0x10/0xff", []Kind{MarkSet}},
	"nft, all":                     {`nft 'table inet t { chain c { meta mark set 0x1c0; }; }'`, []Kind{MarkSet}},
	"nft, a bit":                   {`nft 'table inet t { chain c { ct mark set ct mark | 0x80; }; }'`, []Kind{MarkSet}},
	"nft, a field":                 {`nft 'table netdev t { chain c { meta mark set meta mark & 0xffffff00 | 0x1; }; }'`, []Kind{MarkSet}},
	"ip rule":                      {"ip rule add pref 100 fwmark 0x80 lookup 7", []Kind{MarkRouted}},
	"ip rule, field":               {"ip rule add pref 100 fwmark 0x1/0xff lookup 7", []Kind{MarkRouted}},
	"ip rule at 1024 to elsewhere": {"ip rule add pref 1024 fwmark 0x80/0x80 lookup 7", []Kind{MarkRouted}},

	"strict":                         {"echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter", []Kind{StrictFilter}},
	"strict for all":                 {"echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter", []Kind{StrictFilter}},
	"strict, but loose for all":      {"echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter; echo 2 > /proc/sys/net/ipv4/conf/all/rp_filter", []Kind{}},
	"loose, but strict for all":      {"echo 2 > /proc/sys/net/ipv4/conf/eth0/rp_filter; echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter", []Kind{}},
	"strict on another interface":    {"echo 1 > /proc/sys/net/ipv4/conf/peer0/rp_filter", []Kind{}},
	"another interface":              {"iptables-nft -t nat -A POSTROUTING -o docker0 -j MASQUERADE", []Kind{}},
	"from another interface":         {`nft 'table ip t { chain c { type nat hook postrouting priority 0; iifname "wg0" masquerade; }; }'`, []Kind{}},
	"of the node itself":             {"iptables-nft -t nat -A POSTROUTING -m addrtype --src-type LOCAL -j MASQUERADE", []Kind{}},
	"of a user":                      {"iptables-nft -t nat -A POSTROUTING -m owner --uid-owner 0 -j MASQUERADE", []Kind{}},
	"to the node itself":             {`nft 'table ip t { chain c { type nat hook postrouting priority 0; fib daddr type local masquerade; }; }'`, []Kind{}},
	"behind what accepts all":        {`nft 'table ip t { chain c { type nat hook postrouting priority 0; iifname "eni*" accept; masquerade; }; }'`, []Kind{}},
	"behind what returns all":        {`nft 'table ip t { chain d { ip saddr 10.0.0.0/16 return; masquerade; }; chain c { type nat hook postrouting priority 0; jump d; }; }'`, []Kind{}},
	"nft, not in a set":              {`nft 'table ip t { chain c { type nat hook postrouting priority 0; ip saddr != { 10.0.0.0/16 } masquerade; }; }'`, []Kind{}},
	"nft, behind snatd, by its mark": {`nft 'table ip t { chain c { type nat hook postrouting priority srcnat + 20; ct mark 0x80 masquerade; }; }'`, []Kind{}},
	"IPv6":                           {`nft 'table ip6 t { chain c { type nat hook postrouting priority 0; masquerade; }; chain d { meta mark set 0x80; }; }'`, []Kind{}},
	"in no hook":                     {`nft 'table ip t { chain c { masquerade; }; }'`, []Kind{}},
	"an empty chain of the plugin":   {"iptables-nft -t nat -N AWS-SNAT-CHAIN-0", []Kind{}},
}

func TestFindings(t *testing.T) {
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, test.script)
			found := look(t, n, testNode)
			if got := kinds(found); !slices.Equal(got, test.want) {
				t.Errorf("%+v, want %v", found, test.want)
			}
			var aws bool
			var err error
			n.Do(func() { aws, err = LookAWS() })
			if err != nil || aws != slices.Contains(test.want, AWSTranslates) {
				t.Errorf("the plugin translates: %v, %v", aws, err)
			}
			for _, f := range found {
				if f.Message == "" || f.Fix == "" || !slices.Contains(Kinds(), f.Kind) {
					t.Errorf("%+v", f)
				}
			}
		})
	}
}

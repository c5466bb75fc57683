// Package lab builds a small VPC out of network namespaces of this process: a
// node with a primary and a secondary interface, pods on both, the VPC's
// router, and a host in each kind of network that a pod may talk to.
//
//	            node                          |  fabric (the VPC's router)
//	                                          |
//	pod-a  ---- eni...       eth0 10.0.0.10 --|-- 10.0.0.1     10.0.128.1   ---- vpc      10.0.128.20
//	10.0.1.5                 (primary)        |                100.64.0.1   ---- second   100.64.0.20
//	                                          |                172.31.0.1   ---- peered   172.31.0.20
//	pod-b  ---- eni...       eth1 10.0.64.10 -|-- 10.0.64.1    198.51.100.1 ---- internet 198.51.100.20
//	10.0.65.6                (secondary)      |
//
// The VPC is 10.0.0.0/16 with a second CIDR 100.64.0.0/16; it is peered with
// 172.31.0.0/16. The node is set up as the AWS VPC CNI plugin leaves one: a /32
// route to each pod, the rule 512 "to pod lookup main", and for pods on the
// secondary interface the rule 1536 "from pod lookup 2". A host-network pod is
// the node itself.
//
// The fabric does what EC2's source/destination check does: a packet that
// leaves by an interface with a source that is not that interface's is dropped.
// Without that, wrong routing would look right. Where EC2 differs and the lab
// does not follow: an internet gateway drops what has no public address behind
// it, but the internet host here has a route back to everything, so that a
// source that should have been translated is seen and named, not just missed.
//
// Every host answers on TCP, UDP (port Port) and ICMP with the address that it
// saw the question come from; see [Exchange] and [Open].
//
// Nothing of a lab has a name on the machine. Its namespaces are those of package
// netspace, files are in a tmpfs of this process's own mount namespace: when the
// process dies, by whatever signal, all of it is gone. So a program that uses the
// lab runs inside [Enter].
//
// What snatd does, and what a test or a demo expects of it, does not live here.
package lab

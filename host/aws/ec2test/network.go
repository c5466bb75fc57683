package ec2test

// Network is what there is. Fields that are empty are not in an answer.
type Network struct {
	RouteTables []RouteTable
	PrefixLists []PrefixList
	Peerings    []Peering
}

// RouteTable is a route table, associated with subnets or the main one of its
// VPC.
type RouteTable struct {
	ID           string        `xml:"routeTableId,omitempty"`
	VPC          string        `xml:"vpcId,omitempty"`
	Associations []Association `xml:"associationSet>item"`
	Routes       []Route       `xml:"routeSet>item"`
}

// Association associates a route table with a subnet, or makes it the main one.
type Association struct {
	Subnet string `xml:"subnetId,omitempty"`
	Main   bool   `xml:"main"`
}

// Route is a route, "active" and from "CreateRoute" unless it says otherwise.
type Route struct {
	CIDR       string `xml:"destinationCidrBlock,omitempty"`
	IPv6CIDR   string `xml:"destinationIpv6CidrBlock,omitempty"`
	PrefixList string `xml:"destinationPrefixListId,omitempty"`

	Gateway           string `xml:"gatewayId,omitempty"`
	NAT               string `xml:"natGatewayId,omitempty"`
	TransitGateway    string `xml:"transitGatewayId,omitempty"`
	Peering           string `xml:"vpcPeeringConnectionId,omitempty"`
	Instance          string `xml:"instanceId,omitempty"`
	Interface         string `xml:"networkInterfaceId,omitempty"`
	LocalGateway      string `xml:"localGatewayId,omitempty"`
	CarrierGateway    string `xml:"carrierGatewayId,omitempty"`
	EgressOnlyGateway string `xml:"egressOnlyInternetGatewayId,omitempty"`
	CoreNetwork       string `xml:"coreNetworkArn,omitempty"`
	ODBNetwork        string `xml:"odbNetworkArn,omitempty"`

	State  string `xml:"state"`
	Origin string `xml:"origin"`
}

// PrefixList is a managed prefix list, of the family "IPv4" unless it says
// otherwise.
type PrefixList struct {
	ID      string  `xml:"prefixListId,omitempty"`
	Name    string  `xml:"prefixListName,omitempty"`
	Family  string  `xml:"addressFamily"`
	Version int64   `xml:"version,omitempty"` // of Entries; 0 for a list of AWS's own, which has none
	Entries []Entry `xml:"-"`
	// Earlier are the entries of earlier versions.
	Earlier map[int64][]Entry `xml:"-"`
}

// Entry is an entry of a prefix list.
type Entry struct {
	CIDR string `xml:"cidr,omitempty"`
}

// Peering is a peering connection, "active" unless it says otherwise.
type Peering struct {
	ID        string `xml:"vpcPeeringConnectionId,omitempty"`
	Requester *Side  `xml:"requesterVpcInfo"`
	Accepter  *Side  `xml:"accepterVpcInfo"`
	State     string `xml:"status>code"`
}

// Side is a VPC at one end of a peering connection.
type Side struct {
	VPC string `xml:"vpcId,omitempty"`
	// CIDR is the first of CIDRs; an answer may have only that.
	CIDR  string  `xml:"cidrBlock,omitempty"`
	CIDRs []Block `xml:"cidrBlockSet>item"`
}

// Block is a CIDR of a VPC.
type Block struct {
	CIDR string `xml:"cidrBlock,omitempty"`
}

// Blocks makes blocks of CIDRs.
func Blocks(cidrs ...string) []Block {
	blocks := make([]Block, len(cidrs))
	for i, cidr := range cidrs {
		blocks[i].CIDR = cidr
	}
	return blocks
}

// Entries makes entries of CIDRs.
func Entries(cidrs ...string) []Entry {
	entries := make([]Entry, len(cidrs))
	for i, cidr := range cidrs {
		entries[i].CIDR = cidr
	}
	return entries
}

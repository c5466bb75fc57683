package flow

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Attributes of linux/netfilter/nfnetlink_conntrack.h.
const (
	attrOriginal   = 1  // CTA_TUPLE_ORIG
	attrReply      = 2  // CTA_TUPLE_REPLY
	attrStatus     = 3  // CTA_STATUS
	attrProtoInfo  = 4  // CTA_PROTOINFO
	attrTimeout    = 7  // CTA_TIMEOUT
	attrMark       = 8  // CTA_MARK
	attrID         = 12 // CTA_ID
	attrZone       = 18 // CTA_ZONE
	attrTimestamp  = 20 // CTA_TIMESTAMP
	attrMarkMask   = 21 // CTA_MARK_MASK
	attrTupleIP    = 1  // in a tuple: CTA_TUPLE_IP
	attrTupleProto = 2  // in a tuple: CTA_TUPLE_PROTO
	attrIPSource   = 1  // in its addresses: CTA_IP_V4_SRC
	attrIPTarget   = 2  // in its addresses: CTA_IP_V4_DST
	attrProtocol   = 1  // in its protocol: CTA_PROTO_NUM
	attrPortSource = 2  // in its protocol: CTA_PROTO_SRC_PORT
	attrPortTarget = 3  // in its protocol: CTA_PROTO_DST_PORT
	attrInfoTCP    = 1  // in CTA_PROTOINFO: CTA_PROTOINFO_TCP
	attrTCPState   = 1  // in CTA_PROTOINFO_TCP: CTA_PROTOINFO_TCP_STATE
	attrStart      = 1  // in CTA_TIMESTAMP: CTA_TIMESTAMP_START
)

// headerLength is that of struct nfgenmsg, which every message begins with.
const headerLength = 4

// header is that of messages about IPv4 connections.
func header() []byte { return []byte{unix.AF_INET, unix.NFNETLINK_V0, 0, 0} }

func big32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

package dataplane

import (
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// hearing puts the notifications of a transaction together. They come in order, and
// the last one is the new generation.
type hearing struct {
	table string
	so    Disturbance // far
}

func (h *hearing) reset() { h.so = Disturbance{} }

// hear takes one notification; it returns a disturbance with the one that ends a
// transaction which touched the table.
func (h *hearing) hear(m netlink.Message) (Disturbance, bool) {
	if m.Header.Type>>8 != unix.NFNL_SUBSYS_NFTABLES {
		return Disturbance{}, false
	}
	object, err := body(m)
	if err != nil {
		return Disturbance{}, false
	}
	kind := m.Header.Type & 0xff
	if kind == unix.NFT_MSG_NEWGEN {
		return h.end(object)
	}
	if family := m.Data[0]; family == unix.NFPROTO_IPV4 && object.text(nameOfTable) == h.table {
		h.note(kind, object)
	}
	return Disturbance{}, false
}

// note adds a change of the table.
func (h *hearing) note(kind netlink.HeaderType, object attributes) {
	change, known := changes[kind]
	if !known {
		return
	}
	what := change.of
	if change.name != 0 {
		what += " " + object.text(change.name)
	}
	if kind == unix.NFT_MSG_DELTABLE {
		h.reset() // what was in it goes with it
	}
	h.so.note(what + " " + change.done)
}

// end adds who made the changes since the end before.
func (h *hearing) end(generation attributes) (Disturbance, bool) {
	done := h.so
	h.reset()
	done.Transactions = 1
	done.Process = generation.text(unix.NFTA_GEN_PROC_NAME)
	done.PID = int(generation.number(unix.NFTA_GEN_PROC_PID))
	return done, len(done.What) > 0
}

// change is how a message is said.
type change struct {
	of, done string
	name     uint16 // the attribute that names what was changed, or what it is in; 0: none
}

// nameOfTable is the attribute of every one of them that names the table.
const nameOfTable = unix.NFTA_TABLE_NAME

// flowtableName is NFTA_FLOWTABLE_NAME of linux/netfilter/nf_tables.h.
const flowtableName = 2

var changes = map[netlink.HeaderType]change{
	unix.NFT_MSG_NEWTABLE:     {"table", "added or changed", 0},
	unix.NFT_MSG_DELTABLE:     {"table", "deleted", 0},
	unix.NFT_MSG_NEWCHAIN:     {"chain", "added or changed", unix.NFTA_CHAIN_NAME},
	unix.NFT_MSG_DELCHAIN:     {"chain", "deleted", unix.NFTA_CHAIN_NAME},
	unix.NFT_MSG_NEWRULE:      {"rule of chain", "added", unix.NFTA_RULE_CHAIN},
	unix.NFT_MSG_DELRULE:      {"rule of chain", "deleted", unix.NFTA_RULE_CHAIN},
	unix.NFT_MSG_NEWSET:       {"map", "added or changed", unix.NFTA_SET_NAME},
	unix.NFT_MSG_DELSET:       {"map", "deleted", unix.NFTA_SET_NAME},
	unix.NFT_MSG_NEWSETELEM:   {"element of map", "added", unix.NFTA_SET_ELEM_LIST_SET},
	unix.NFT_MSG_DELSETELEM:   {"element of map", "deleted", unix.NFTA_SET_ELEM_LIST_SET},
	unix.NFT_MSG_NEWOBJ:       {"object", "added or changed", unix.NFTA_OBJ_NAME},
	unix.NFT_MSG_DELOBJ:       {"object", "deleted", unix.NFTA_OBJ_NAME},
	unix.NFT_MSG_NEWFLOWTABLE: {"flowtable", "added or changed", flowtableName},
	unix.NFT_MSG_DELFLOWTABLE: {"flowtable", "deleted", flowtableName},
}

/*
 * snat.h: policies for snatd in C, for the ABI snat_v1. One header, no libc.
 *
 * A policy is two functions, which SNAT_POLICY makes into a module:
 *
 *     static void decide(void) {
 *         SNAT_EACH(partner, snat_split("config partners", fact_config("partners")))
 *             snat_exclude(partner, "partner network");
 *     }
 *
 *     SNAT_POLICY(decide, snat_any_config)
 *
 * - Texts end in a NUL, as in C. An absent fact is NULL. What follows a NUL inside the
 *   value of a fact is not seen.
 * - A list is its items one behind the other, each ended by a NUL, and then an empty one.
 * - A prefix is its text: what snat_split and the facts give is checked, and the rest is
 *   when it gets into the decision.
 * - Whatever is wrong ends the evaluation by snat_fail, which does not return: the host
 *   then keeps the policy's last good decision.
 * - Nothing is ever freed, since every evaluation begins with the memory as it was after
 *   the start.
 *
 * Natively, define SNAT_NATIVE and include snat_mock.h, a host for unit tests.
 */
#ifndef SNAT_H
#define SNAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef SNAT_NATIVE
#define SNAT_IMPORT(name)
#define SNAT_EXPORT(name)
#else
#define SNAT_IMPORT(name) __attribute__((import_module("snat_v1"), import_name(name)))
#define SNAT_EXPORT(name) __attribute__((export_name(name)))
#endif
#define SNAT_FUNCTION static __attribute__((unused))

/* The prefix of every destination. */
#define SNAT_EVERYWHERE "0.0.0.0/0"

/* begin abi: made by schema/gen, do not edit */

/* The functions of the host. */
/* Reads one fact. The length of an absent fact is -1. The value is written to buf only if its length is at most cap: a guest whose buffer is too small asks again. */
SNAT_IMPORT("fact")
int32_t snat_v1_fact(const char *key, uint32_t key_len, char *buf, uint32_t cap);
/* Lists the keys under a prefix, sorted, each ended by a NUL. The same rule as for fact. */
SNAT_IMPORT("fact_keys")
int32_t snat_v1_fact_keys(const char *prefix, uint32_t prefix_len, char *buf, uint32_t cap);
/* Keeps the pod's address towards a prefix. */
SNAT_IMPORT("exclude")
void snat_v1_exclude(const char *cidr, uint32_t cidr_len, const char *why, uint32_t why_len);
/* Replaces the pod's address towards a prefix. An empty source is the node's primary address. Another must be granted by the operator and held by the node's primary interface, which is read as the fact node.address.<source>. */
SNAT_IMPORT("translate")
void snat_v1_translate(const char *cidr, uint32_t cidr_len, const char *source, uint32_t source_len, const char *why, uint32_t why_len);
/* Writes a line to the daemon's log. */
SNAT_IMPORT("log")
void snat_v1_log(int32_t level, const char *msg, uint32_t msg_len);
/* Ends the evaluation with an error. It never returns. */
SNAT_IMPORT("fail")
void snat_v1_fail(const char *msg, uint32_t msg_len);

#define SNAT_ABSENT -1 /* Absent is the length that fact returns for a fact that does not exist. */
#define SNAT_DECIDED 0 /* Decided is what decide returns to say that the calls of exclude and translate are the answer. */
#define SNAT_NO_OPINION 1 /* NoOpinion is what decide returns to leave the subject to the modules behind. */

#define SNAT_LEVEL_DEBUG -1
#define SNAT_LEVEL_INFO 0
#define SNAT_LEVEL_WARN 1
#define SNAT_LEVEL_ERROR 2

#define SNAT_MAX_KEY 1024 /* bytes of a key or prefix of keys */
#define SNAT_MAX_VALUE 262144 /* bytes of a value or list of keys */
#define SNAT_MAX_READS 4096 /* different reads, of facts and lists of keys */
#define SNAT_MAX_READ 1048576 /* bytes of their keys and values together */
#define SNAT_MAX_REASON 256 /* bytes of a reason */
#define SNAT_MAX_MESSAGE 4096 /* bytes of one log line or error text */
#define SNAT_MAX_LOG 65536 /* bytes of all log lines together */
#define SNAT_MAX_PREFIXES 10000 /* prefixes in one decision, with those that are given again */

/* end abi */

/* -- Memory ------------------------------------------------------------------------ */

#ifdef SNAT_NATIVE
extern char *snat_top;             /* the first free byte */
uint32_t snat_room(uint32_t size); /* makes at least so many bytes free; returns how many are */
#else
extern char __heap_base;
static char *snat_top = &__heap_base;

SNAT_FUNCTION uint32_t snat_room(uint32_t size) {
	uint32_t room;
	while ((room = ((uint32_t)__builtin_wasm_memory_size(0) << 16) - (uint32_t)snat_top) < size)
		if (__builtin_wasm_memory_grow(0, (size >> 16) + 1) == (size_t)-1)
			__builtin_trap(); /* the host knows that it refused the memory */
	return room;
}
#endif

/* -- Texts ------------------------------------------------------------------------- */

SNAT_FUNCTION uint32_t snat_length(const char *text) {
	const char *end = text;
	while (*end != 0)
		end++;
	return (uint32_t)(end - text);
}

/* What follows a beginning; NULL if the text does not begin so. */
SNAT_FUNCTION const char *snat_after(const char *text, const char *beginning) {
	for (; *beginning != 0; text++, beginning++)
		if (*text != *beginning)
			return NULL;
	return text;
}

/* Whether two texts are equal; an absent one is equal to none. */
SNAT_FUNCTION bool snat_equal(const char *text, const char *other) {
	while (text != NULL && *text == *other++)
		if (*text++ == 0)
			return true;
	return false;
}

/* A new text: each % in the format is the next of at most two texts. */
#define snat_text(...) SNAT_THREE(snat_format, __VA_ARGS__, "", "", "")
#define SNAT_THREE(function, format, a, b, ...) function(format, a, b)

SNAT_FUNCTION const char *snat_format(const char *format, const char *a, const char *b) {
	snat_room(1 + snat_length(format) + snat_length(a) + snat_length(b));
	char *text = snat_top, *to = text;
	for (;;) {
		char next = *format++;
		if (next == '%') {
			while (*a != 0)
				*to++ = *a++;
			a = b;
			continue;
		}
		*to++ = next;
		if (next == 0)
			break;
	}
	snat_top = to;
	return text;
}

/* The length of a text, at most size, cut between two runes. */
SNAT_FUNCTION uint32_t snat_clip(const char *text, uint32_t size) {
	uint32_t length = snat_length(text);
	if (length > size)
		for (length = size; (text[length] & 0xc0) == 0x80;)
			length--;
	return length;
}

/* Goes through a list; an absent one has no items. */
#define SNAT_EACH(item, list) for (const char *item = (list); item != NULL && *item != 0; item += snat_length(item) + 1)

/* -- Errors and log lines ---------------------------------------------------------- */

/* Ends the evaluation with an error for the operator, which is made as by snat_text. */
#define snat_fail(...) SNAT_THREE(snat_end, __VA_ARGS__, "", "", "")

__attribute__((noreturn)) SNAT_FUNCTION void snat_end(const char *format, const char *a, const char *b) {
	const char *message = snat_format(format, a, b);
	snat_v1_fail(message, snat_length(message));
	__builtin_unreachable();
}

#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__ /* compilers other than clang */
#endif
#define SNAT_TEXT_OF(x) #x
#define SNAT_DIGITS(x) SNAT_TEXT_OF(x)

/* Ends the evaluation because of what cannot be, with its place in the source. */
#define snat_panic(text) snat_fail("panic: % (" __FILE_NAME__ ":" SNAT_DIGITS(__LINE__) ")", text)

/* Panics unless the condition holds. */
#define snat_assert(condition) ((condition) ? (void)0 : snat_panic("not so: " #condition))

/* Writes a line to the daemon's log; the level is one of SNAT_LEVEL_... */
SNAT_FUNCTION void snat_log(int32_t level, const char *line) {
	snat_v1_log(level, line, snat_clip(line, SNAT_MAX_MESSAGE));
}

/* -- Addresses and prefixes -------------------------------------------------------- */

#define SNAT_WRONG (~(uint64_t)0)

/* Reads 4 numbers of an address, or 5 of a prefix; SNAT_WRONG if they are not there. */
SNAT_FUNCTION uint64_t snat_scan(const char *text, int numbers) {
	uint64_t value = 0;
	for (int i = 1;; i++) {
		uint32_t number = 0;
		const char *from = text;
		while ((uint8_t)(*text - '0') < 10)
			number = number * 10 + (uint32_t)(*text++ - '0');
		/* One to three digits, without a leading zero. */
		if ((uint32_t)(text - from - 1) > (*from != '0') * 2u || number > (i == 5 ? 32 : 255))
			return SNAT_WRONG;
		value = value << 8 | number;
		char stop = *text++;
		if (i == numbers)
			return stop == 0 ? value : SNAT_WRONG;
		if (stop != (i == 4 ? '/' : '.'))
			return SNAT_WRONG;
	}
}

/* The address of a text such as 10.0.0.10, which is 0x0a00000a; an error begins with
 * where. */
SNAT_FUNCTION uint32_t snat_parse_address(const char *where, const char *text) {
	uint64_t value = snat_scan(text, 4);
	if (value == SNAT_WRONG)
		snat_fail("%: \"%\" is not an IPv4 address, want one such as 10.0.0.10", where, text);
	return (uint32_t)value;
}

/* The prefix of a text such as 10.0.0.0/8, without host bits: the address, and the
 * length in the lowest byte. Equal ones are the same number. An error begins with where. */
SNAT_FUNCTION uint64_t snat_parse_prefix(const char *where, const char *text) {
	uint64_t prefix = snat_scan(text, 5);
	if (prefix == SNAT_WRONG || (uint32_t)(prefix >> 8 << (prefix & 255)) != 0)
		snat_fail("%: \"%\" is not an IPv4 prefix without host bits, such as 10.0.0.0/8", where, text);
	return prefix;
}

/* The text of an address, or of a prefix, as parsed. */
SNAT_FUNCTION const char *snat_numbers(uint64_t value, int numbers) {
	snat_room(sizeof "255.255.255.255/32");
	char *text = snat_top;
	for (int shift = numbers * 8 - 8; shift >= 0; shift -= 8) {
		uint32_t number = value >> shift & 255;
		for (uint32_t power = 100; power > 0; power /= 10)
			if (number >= power || power == 1)
				*snat_top++ = (char)('0' + number / power % 10);
		*snat_top++ = shift != 8 || numbers == 4 ? '.' : '/';
	}
	snat_top[-1] = 0;
	return text;
}

SNAT_FUNCTION const char *snat_address_text(uint32_t address) {
	return snat_numbers(address, 4);
}

SNAT_FUNCTION const char *snat_prefix_text(uint64_t prefix) {
	return snat_numbers(prefix, 5);
}

SNAT_FUNCTION bool snat_separates(char c) {
	return c == 0 || c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Makes a list of the prefixes between two places, in their place: there must be two
 * bytes behind. Errors begin with where. */
SNAT_FUNCTION const char *snat_list(const char *where, char *at, const char *end) {
	char *list = at, *to = at, *item = at;
	for (; at <= end; at++) {
		if (!snat_separates(*at)) {
			*to++ = *at;
		} else if (to != item) {
			*to++ = 0;
			snat_parse_prefix(where, item);
			item = to;
		}
	}
	*to = 0;
	return list;
}

/* The list of the prefixes in a fact's text, separated by commas, white space or both;
 * an absent text is an empty one. Errors begin with where. The text is used up. */
SNAT_FUNCTION const char *snat_split(const char *where, const char *text) {
	return text == NULL ? "" : snat_list(where, (char *)text, text + snat_length(text));
}

/* -- Facts ------------------------------------------------------------------------- */

/* The answer of the host, with two NULs behind it; snat_top is behind them. */
SNAT_FUNCTION char *snat_ask(const char *key, bool listing) {
	char *value = snat_top;
	int32_t room, length = 0;
	do {
		room = (int32_t)snat_room((uint32_t)length + 2) - 2;
		length = (listing ? snat_v1_fact_keys : snat_v1_fact)(key, snat_length(key), value, (uint32_t)room);
	} while (length > room);
	if (length < 0)
		return NULL;
	char *end = value + length;
	end[0] = end[1] = 0;
	snat_top = end + 2;
	return value;
}

/* The value of any fact; NULL if there is none. */
SNAT_FUNCTION const char *snat_fact(const char *key) {
	return snat_ask(key, false);
}

/* Goes through the sorted keys that begin with a literal, by what follows it. */
#define SNAT_EACH_KEY(rest, prefix) \
	for (const char *rest = snat_ask(prefix, true) + sizeof(prefix) - 1; rest[1 - (int)sizeof(prefix)] != 0; \
		rest += snat_length(rest) + sizeof(prefix))

SNAT_FUNCTION bool snat_fact_bool(const char *key) {
	const char *value = snat_fact(key);
	if (snat_equal(value, "true"))
		return true;
	if (value != NULL && !snat_equal(value, "false"))
		snat_fail("%: \"%\" is not a bool, want \"true\" or \"false\"", key, value);
	return false;
}

SNAT_FUNCTION bool snat_fact_address(const char *key, uint32_t *address) {
	const char *value = snat_fact(key);
	if (value != NULL)
		*address = snat_parse_address(key, value);
	return value != NULL;
}

SNAT_FUNCTION const char *snat_fact_prefixes(const char *key) {
	char *value = snat_ask(key, false);
	const char *end = snat_top - 2;
	return value == NULL ? NULL : snat_list(key, value, end);
}

/* begin facts: made by schema/gen, do not edit */


/* The fact subject.kind. "pod", or "node" for pod traffic whose pod is not
 * known (yet). */
SNAT_FUNCTION const char *fact_subject_kind(void) {
	return snat_fact("subject.kind");
}

/* The fact cluster.ip_family. "ipv4" or "ipv6": the family of the cluster's pod
 * addresses. */
SNAT_FUNCTION const char *fact_cluster_ip_family(void) {
	return snat_fact("cluster.ip_family");
}

/* The fact node.name. The node's name. */
SNAT_FUNCTION const char *fact_node_name(void) {
	return snat_fact("node.name");
}

/* The fact node.zone. The node's availability zone, such as eu-west-1a. */
SNAT_FUNCTION const char *fact_node_zone(void) {
	return snat_fact("node.zone");
}

/* The fact node.region. The AWS region, such as eu-west-1. */
SNAT_FUNCTION const char *fact_node_region(void) {
	return snat_fact("node.region");
}

/* The fact node.instance_id. The node's EC2 instance ID. */
SNAT_FUNCTION const char *fact_node_instance_id(void) {
	return snat_fact("node.instance_id");
}

/* The fact node.instance_type. The node's EC2 instance type, such as m5.large. */
SNAT_FUNCTION const char *fact_node_instance_type(void) {
	return snat_fact("node.instance_type");
}

/* The fact node.primary_address. The primary private IPv4 address of the
 * primary network interface: what "translate" translates to. */
SNAT_FUNCTION bool fact_node_primary_address(uint32_t *address) {
	return snat_fact_address("node.primary_address", address);
}

/* The fact node.address.<key>. "primary" or "secondary", for each IPv4 address
 * that the primary network interface holds, by the address: what a policy may
 * translate to if that is granted. */
SNAT_FUNCTION const char *fact_node_address(const char *key) {
	return snat_fact(snat_text("node.address.%", key));
}

/* The same for a literal key. */
#define FACT_NODE_ADDRESS(key) snat_fact("node.address." key)

/* Goes through the sorted keys that fact_node_address has a value for. */
#define FACT_EACH_NODE_ADDRESS(key) SNAT_EACH_KEY(key, "node.address.")

/* The fact node.label.<key>. A label of the node. */
SNAT_FUNCTION const char *fact_node_label(const char *key) {
	return snat_fact(snat_text("node.label.%", key));
}

/* The same for a literal key. */
#define FACT_NODE_LABEL(key) snat_fact("node.label." key)

/* Goes through the sorted keys that fact_node_label has a value for. */
#define FACT_EACH_NODE_LABEL(key) SNAT_EACH_KEY(key, "node.label.")

/* The fact node.annotation.<key>. An annotation of the node. */
SNAT_FUNCTION const char *fact_node_annotation(const char *key) {
	return snat_fact(snat_text("node.annotation.%", key));
}

/* The same for a literal key. */
#define FACT_NODE_ANNOTATION(key) snat_fact("node.annotation." key)

/* Goes through the sorted keys that fact_node_annotation has a value for. */
#define FACT_EACH_NODE_ANNOTATION(key) SNAT_EACH_KEY(key, "node.annotation.")

/* The fact vpc.cidrs. Every IPv4 CIDR associated with the VPC. */
SNAT_FUNCTION const char *fact_vpc_cidrs(void) {
	return snat_fact_prefixes("vpc.cidrs");
}

/* The fact vpc.route.<key>. The target of a route in the route table of the
 * node's subnet, by the route's IPv4 CIDR: local, the ID of a gateway or of
 * another target, such as igw-0123456789abcdef0, or blackhole if the target is
 * gone. */
SNAT_FUNCTION const char *fact_vpc_route(const char *key) {
	return snat_fact(snat_text("vpc.route.%", key));
}

/* The same for a literal key. */
#define FACT_VPC_ROUTE(key) snat_fact("vpc.route." key)

/* Goes through the sorted keys that fact_vpc_route has a value for. */
#define FACT_EACH_VPC_ROUTE(key) SNAT_EACH_KEY(key, "vpc.route.")

/* The fact vpc.prefixlist.<key>. The IPv4 CIDRs of a managed prefix list that
 * the operator names, by its ID and by its name. */
SNAT_FUNCTION const char *fact_vpc_prefixlist(const char *key) {
	return snat_fact_prefixes(snat_text("vpc.prefixlist.%", key));
}

/* The same for a literal key. */
#define FACT_VPC_PREFIXLIST(key) snat_fact_prefixes("vpc.prefixlist." key)

/* Goes through the sorted keys that fact_vpc_prefixlist has a value for. */
#define FACT_EACH_VPC_PREFIXLIST(key) SNAT_EACH_KEY(key, "vpc.prefixlist.")

/* The fact vpc.peering.<key>. The IPv4 CIDRs of the other VPC of an active
 * peering connection, by the connection's ID. */
SNAT_FUNCTION const char *fact_vpc_peering(const char *key) {
	return snat_fact_prefixes(snat_text("vpc.peering.%", key));
}

/* The same for a literal key. */
#define FACT_VPC_PEERING(key) snat_fact_prefixes("vpc.peering." key)

/* Goes through the sorted keys that fact_vpc_peering has a value for. */
#define FACT_EACH_VPC_PEERING(key) SNAT_EACH_KEY(key, "vpc.peering.")

/* The fact snat.external. True if something outside the node translates, so
 * that the node must not (AWS_VPC_K8S_CNI_EXTERNALSNAT). */
SNAT_FUNCTION bool fact_snat_external(void) {
	return snat_fact_bool("snat.external");
}

/* The fact snat.exclude. The operator's CIDRs that are never translated
 * (AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS). */
SNAT_FUNCTION const char *fact_snat_exclude(void) {
	return snat_fact_prefixes("snat.exclude");
}

/* The fact pod.name. The pod's name. It tells pods apart: a policy that reads
 * it is evaluated for each of them. */
SNAT_FUNCTION const char *fact_pod_name(void) {
	return snat_fact("pod.name");
}

/* The fact pod.namespace. The pod's namespace. */
SNAT_FUNCTION const char *fact_pod_namespace(void) {
	return snat_fact("pod.namespace");
}

/* The fact pod.ip. The pod's IPv4 address. It tells pods apart: a policy that
 * reads it is evaluated for each of them. */
SNAT_FUNCTION bool fact_pod_ip(uint32_t *address) {
	return snat_fact_address("pod.ip", address);
}

/* The fact pod.host_network. True if the pod shares the node's address. */
SNAT_FUNCTION bool fact_pod_host_network(void) {
	return snat_fact_bool("pod.host_network");
}

/* The fact pod.service_account. The pod's service account. */
SNAT_FUNCTION const char *fact_pod_service_account(void) {
	return snat_fact("pod.service_account");
}

/* The fact pod.phase. The pod's phase: Pending, Running or Unknown. */
SNAT_FUNCTION const char *fact_pod_phase(void) {
	return snat_fact("pod.phase");
}

/* The fact pod.label.<key>. A label of the pod. It may tell pods apart, as far
 * as its values do. */
SNAT_FUNCTION const char *fact_pod_label(const char *key) {
	return snat_fact(snat_text("pod.label.%", key));
}

/* The same for a literal key. */
#define FACT_POD_LABEL(key) snat_fact("pod.label." key)

/* Goes through the sorted keys that fact_pod_label has a value for. */
#define FACT_EACH_POD_LABEL(key) SNAT_EACH_KEY(key, "pod.label.")

/* The fact pod.annotation.<key>. An annotation of the pod. It may tell pods
 * apart, as far as its values do. */
SNAT_FUNCTION const char *fact_pod_annotation(const char *key) {
	return snat_fact(snat_text("pod.annotation.%", key));
}

/* The same for a literal key. */
#define FACT_POD_ANNOTATION(key) snat_fact("pod.annotation." key)

/* Goes through the sorted keys that fact_pod_annotation has a value for. */
#define FACT_EACH_POD_ANNOTATION(key) SNAT_EACH_KEY(key, "pod.annotation.")

/* The fact namespace.label.<key>. A label of the pod's namespace. */
SNAT_FUNCTION const char *fact_namespace_label(const char *key) {
	return snat_fact(snat_text("namespace.label.%", key));
}

/* The same for a literal key. */
#define FACT_NAMESPACE_LABEL(key) snat_fact("namespace.label." key)

/* Goes through the sorted keys that fact_namespace_label has a value for. */
#define FACT_EACH_NAMESPACE_LABEL(key) SNAT_EACH_KEY(key, "namespace.label.")

/* The fact namespace.annotation.<key>. An annotation of the pod's namespace. */
SNAT_FUNCTION const char *fact_namespace_annotation(const char *key) {
	return snat_fact(snat_text("namespace.annotation.%", key));
}

/* The same for a literal key. */
#define FACT_NAMESPACE_ANNOTATION(key) snat_fact("namespace.annotation." key)

/* Goes through the sorted keys that fact_namespace_annotation has a value for. */
#define FACT_EACH_NAMESPACE_ANNOTATION(key) SNAT_EACH_KEY(key, "namespace.annotation.")

/* The fact config.<key>. A setting from the sidecar file beside the module. */
SNAT_FUNCTION const char *fact_config(const char *key) {
	return snat_fact(snat_text("config.%", key));
}

/* The same for a literal key. */
#define FACT_CONFIG(key) snat_fact("config." key)

/* Goes through the sorted keys that fact_config has a value for. */
#define FACT_EACH_CONFIG(key) SNAT_EACH_KEY(key, "config.")

/* end facts */

/* -- Decision ---------------------------------------------------------------------- */

typedef struct __attribute__((packed)) snat_entry { /* may lie anywhere */
	const struct snat_entry *sibling; /* with the same hash */
	uint64_t prefix;
	uint32_t outcome;
} snat_entry;

/* What the policy has answered so far. */
static const snat_entry *snat_answers[4096];
static uint32_t snat_count;

/* The outcomes that are no source: addresses that no interface holds. */
#define SNAT_OWN 0
#define SNAT_PRIMARY 1

/* Answers at once, since the host forgets all of it if the evaluation ends otherwise. */
SNAT_FUNCTION void snat_answer(const char *cidr, uint32_t outcome, const char *source, const char *why) {
	uint64_t prefix = snat_parse_prefix("decision", cidr);
	const snat_entry **bucket = &snat_answers[(uint32_t)prefix * 0x9e3779b1u >> 20];
	for (const snat_entry *e = *bucket; e != NULL; e = e->sibling)
		if (e->prefix == prefix) {
			if (e->outcome != outcome)
				snat_fail("decision: % has two outcomes", cidr);
			return;
		}
	if (snat_count++ == SNAT_MAX_PREFIXES)
		snat_fail("decision: over " SNAT_DIGITS(SNAT_MAX_PREFIXES) " prefixes");
	snat_room(sizeof **bucket);
	snat_entry *e = (snat_entry *)snat_top;
	*e = (snat_entry){*bucket, prefix, outcome};
	*bucket = e;
	snat_top = (char *)(e + 1);
	uint32_t size = snat_length(cidr), clipped = snat_clip(why, SNAT_MAX_REASON);
	if (source == NULL)
		snat_v1_exclude(cidr, size, why, clipped);
	else
		snat_v1_translate(cidr, size, source, snat_length(source), why, clipped);
}

/* Keeps the pod's address towards a prefix. The longest prefix that covers a destination
 * decides, the order of the calls does not matter; a prefix that is given again with the
 * same outcome is ignored, and with another one is an error. */
SNAT_FUNCTION void snat_exclude(const char *cidr, const char *why) {
	snat_answer(cidr, SNAT_OWN, NULL, why);
}

/* Replaces the pod's address by the node's primary one. The operator must have granted it. */
SNAT_FUNCTION void snat_translate(const char *cidr, const char *why) {
	snat_answer(cidr, SNAT_PRIMARY, "", why);
}

/* Replaces the pod's address by another one of the node's, such as 10.0.0.11. The
 * operator must have granted that address, and the node's primary interface must hold it. */
SNAT_FUNCTION void snat_translate_to(const char *cidr, const char *source, const char *why) {
	snat_answer(cidr, snat_parse_address("decision", source), source, why);
}

/* Makes a policy the one that this module exports: decide reads facts and makes
 * entries; without any it has no opinion. Validate checks the facts config.* when the
 * module is loaded. */
#define SNAT_POLICY(decide, validate) \
	SNAT_EXPORT("decide") int32_t snat_export_decide(void) { \
		decide(); \
		return snat_count == 0 ? SNAT_NO_OPINION : SNAT_DECIDED; \
	} \
	SNAT_EXPORT("validate") int32_t snat_export_validate(void) { \
		validate(); \
		return 0; \
	}

/* For SNAT_POLICY: no configuration to check. */
SNAT_FUNCTION void snat_any_config(void) {}

#endif

/*
 * The other policy that every SDK has: its setting "do" says which part of an SDK it uses,
 * or in which way it goes wrong.
 */
#include "snat.h"

static void exclude_all(const char *list, const char *why) {
	SNAT_EACH(cidr, list)
		snat_exclude(cidr, why);
}

/* Reads a fact of each type. */
static void types(void) {
	if (fact_snat_external())
		snat_log(SNAT_LEVEL_DEBUG, "external");
	exclude_all(fact_vpc_cidrs(), "vpc");
	const char *list = fact_vpc_prefixlist("partners");
	if (list == NULL)
		snat_log(SNAT_LEVEL_DEBUG, "no list");
	exclude_all(list, "listed");
	uint32_t address;
	if (fact_pod_ip(&address))
		snat_exclude(snat_prefix_text((uint64_t)address << 8 | 32), "pod");
}

static void many(uint32_t count) {
	for (uint32_t i = 0; i < count; i++)
		snat_exclude(snat_prefix_text((uint64_t)10 << 32 | (uint64_t)i << 16 | 24), "many");
}

static void decide(void) {
	const char *what = FACT_CONFIG("do"), *text = FACT_CONFIG("text");
	if (what == NULL)
		what = "";
	if (text == NULL)
		text = "";
	if (snat_equal(what, "nothing"))
		return;
	if (snat_equal(what, "facts")) {
		types();
	} else if (snat_equal(what, "keys")) {
		FACT_EACH_POD_LABEL(key)
			snat_log(SNAT_LEVEL_INFO, snat_text("%=%", key, fact_pod_label(key)));
	} else if (snat_equal(what, "source")) {
		snat_parse_address("config text", text);
		snat_exclude("10.0.0.0/8", "kept");
		snat_translate_to(SNAT_EVERYWHERE, text, "source");
	} else if (snat_equal(what, "split")) {
		exclude_all(snat_split("config text", text), "listed");
	} else if (snat_equal(what, "text")) {
		snat_exclude(SNAT_EVERYWHERE, text);
		snat_log(SNAT_LEVEL_WARN, text);
	} else if (snat_equal(what, "large")) {
		const char *value = snat_fact("large");
		snat_exclude(SNAT_EVERYWHERE, value == NULL ? "" : value);
	} else if (snat_equal(what, "levels")) {
		snat_log(SNAT_LEVEL_DEBUG, "debug");
		snat_log(SNAT_LEVEL_INFO, "info");
		snat_log(SNAT_LEVEL_WARN, "warn");
		snat_log(SNAT_LEVEL_ERROR, "error");
	} else if (snat_equal(what, "most")) {
		many(10000);
	} else if (snat_equal(what, "more")) {
		many(10001);
	} else if (snat_equal(what, "twice")) {
		snat_exclude("10.0.0.0/8", "first");
		snat_exclude("10.0.0.0/8", "second");
	} else if (snat_equal(what, "conflict")) {
		snat_exclude("10.0.0.0/8", "first");
		snat_translate("10.0.0.0/8", "second");
	} else if (snat_equal(what, "host-bits")) {
		snat_exclude("10.0.0.1/8", "wrong");
	} else if (snat_equal(what, "panic")) {
		snat_panic("on purpose");
	} else if (snat_equal(what, "memory")) {
		for (;;)
			snat_top += snat_room(1 << 20);
	} else if (snat_equal(what, "fail")) {
		snat_fail("%", text);
	} else {
		snat_fail("config do: \"%\" is unknown", what);
	}
}

SNAT_POLICY(decide, snat_any_config)

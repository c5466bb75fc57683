/*
 * A module that uses the ABI as no SDK lets an author: its setting "do" says how. What an SDK
 * would check before is left to the host.
 */
#include "snat.h"

static char buffer[8 << 10];

static const char *letters(uint32_t count) {
	for (uint32_t i = 0; i < count; i++)
		buffer[i] = 'x';
	return buffer;
}

static void exclude(const char *cidr, const char *why) {
	snat_v1_exclude(cidr, snat_length(cidr), why, snat_length(why));
}

static void translate(const char *cidr, const char *source) {
	snat_v1_translate(cidr, snat_length(cidr), source, snat_length(source), "why", 3);
}

/* A value is written whole, or not at all. */
static void buffers(void) {
	letters(7);
	int32_t small = snat_v1_fact("name", 4, buffer, 2), exact = snat_v1_fact("name", 4, buffer + 4, 3);
	snat_assert(small == 3 && exact == 3);
	buffer[2] = '|', buffer[3] = '|';
	snat_v1_exclude("10.0.0.0/8", 10, buffer, 7);
}

static void keys(void) {
	int32_t length = snat_v1_fact_keys("k.", 2, buffer, sizeof buffer);
	for (int32_t i = 0; i < length; i++)
		if (buffer[i] == 0)
			buffer[i] = ';';
	snat_v1_exclude("10.0.0.0/8", 10, buffer, (uint32_t)length);
}

static void reads(uint32_t count) {
	for (uint32_t i = 0; i < count; i++) {
		const char *key = snat_address_text(i);
		snat_v1_fact(key, snat_length(key), NULL, 0);
	}
}

static void prefixes(uint32_t count) {
	for (uint32_t i = 0; i < count; i++)
		exclude(snat_prefix_text((uint64_t)i << 16 | 24), "many");
}

__attribute__((noinline)) static uint32_t deep(volatile uint32_t *n) {
	uint32_t before = ++*n;
	return before == 0 ? 0 : before + deep(n) + *n; /* more than once around a number */
}

static uint32_t state;

SNAT_EXPORT("decide") int32_t decide(void) {
	snat_assert(state++ == 0); /* nothing survives an evaluation */
	const char *what = FACT_CONFIG("do");
	volatile uint32_t n = 0;
	if (snat_equal(what, "absent"))
		return snat_v1_fact("nothing", 7, NULL, 0) == SNAT_ABSENT ? SNAT_NO_OPINION : 7;
	if (snat_equal(what, "empty"))
		return snat_v1_fact("empty", 5, NULL, 0) == 0 ? SNAT_NO_OPINION : 7;
	if (snat_equal(what, "no-opinion")) {
		exclude("10.0.0.0/8", "not so");
		return SNAT_NO_OPINION;
	}
	if (snat_equal(what, "status"))
		return 7;
	if (snat_equal(what, "buffers"))
		buffers();
	if (snat_equal(what, "keys"))
		keys();
	if (snat_equal(what, "nothing-decided"))
		return SNAT_DECIDED;
	if (snat_equal(what, "same-twice")) {
		exclude("10.0.0.0/8", "first");
		exclude("10.0.0.0/8", "second");
	}
	if (snat_equal(what, "two-outcomes")) {
		exclude("10.0.0.0/8", "first");
		translate("10.0.0.0/8", "");
	}
	if (snat_equal(what, "primary"))
		translate("0.0.0.0/0", "");
	if (snat_equal(what, "source"))
		translate("0.0.0.0/0", "10.0.0.11");
	if (snat_equal(what, "other-source"))
		translate("0.0.0.0/0", "10.0.0.12");
	if (snat_equal(what, "ipv6-source"))
		translate("0.0.0.0/0", "fd00::1");
	if (snat_equal(what, "no-cidr"))
		exclude("10.0.0.0/33", "");
	if (snat_equal(what, "address"))
		exclude("10.0.0.1", "");
	if (snat_equal(what, "host-bits"))
		exclude("10.0.0.1/8", "");
	if (snat_equal(what, "ipv6"))
		exclude("fd00::/8", "");
	if (snat_equal(what, "long-reason"))
		snat_v1_exclude("10.0.0.0/8", 10, letters(SNAT_MAX_REASON + 1), SNAT_MAX_REASON + 1);
	if (snat_equal(what, "longest-reason"))
		snat_v1_exclude("10.0.0.0/8", 10, letters(SNAT_MAX_REASON), SNAT_MAX_REASON);
	if (snat_equal(what, "reason-not-utf8"))
		exclude("10.0.0.0/8", "\xff");
	if (snat_equal(what, "long-key"))
		snat_v1_fact(letters(SNAT_MAX_KEY + 1), SNAT_MAX_KEY + 1, NULL, 0);
	if (snat_equal(what, "key-not-utf8"))
		snat_v1_fact("\xff", 1, NULL, 0);
	if (snat_equal(what, "key-outside"))
		snat_v1_fact((const char *)-8, 16, NULL, 0);
	if (snat_equal(what, "buffer-outside"))
		snat_v1_fact("name", 4, (char *)-8, 16);
	if (snat_equal(what, "empty-outside"))
		snat_v1_exclude("10.0.0.0/8", 10, (const char *)-1, 0);
	if (snat_equal(what, "most-reads"))
		reads(SNAT_MAX_READS - 1);
	if (snat_equal(what, "more-reads"))
		reads(SNAT_MAX_READS);
	if (snat_equal(what, "most-prefixes"))
		prefixes(SNAT_MAX_PREFIXES);
	if (snat_equal(what, "more-prefixes"))
		prefixes(SNAT_MAX_PREFIXES + 1);
	if (snat_equal(what, "level"))
		snat_v1_log(3, "", 0);
	if (snat_equal(what, "long-line"))
		snat_v1_log(0, letters(SNAT_MAX_MESSAGE + 1), SNAT_MAX_MESSAGE + 1);
	if (snat_equal(what, "many-lines"))
		for (uint32_t i = 0; i <= SNAT_MAX_LOG / SNAT_MAX_MESSAGE; i++)
			snat_v1_log(0, letters(SNAT_MAX_MESSAGE), SNAT_MAX_MESSAGE);
	if (snat_equal(what, "line-not-utf8"))
		snat_v1_log(0, "a\xff", 2);
	if (snat_equal(what, "fail"))
		snat_v1_fail("on\npurpose", 10);
	if (snat_equal(what, "long-fail"))
		snat_v1_fail(letters(SNAT_MAX_MESSAGE + 1), SNAT_MAX_MESSAGE + 1);
	if (snat_equal(what, "trap"))
		__builtin_trap();
	if (snat_equal(what, "memory"))
		for (;;)
			snat_top += snat_room(1 << 20);
	if (snat_equal(what, "deep"))
		deep(&n);
	if (snat_equal(what, "loop"))
		for (;;)
			n++;
	return SNAT_DECIDED;
}

SNAT_EXPORT("validate") int32_t validate(void) {
	const char *what = FACT_CONFIG("validate");
	if (snat_equal(what, "exclude"))
		exclude("10.0.0.0/8", "");
	if (snat_equal(what, "facts"))
		snat_assert(snat_fact("subject.kind") == NULL);
	if (snat_equal(what, "fail"))
		snat_fail("not this configuration");
	return snat_equal(what, "status") ? 3 : 0;
}

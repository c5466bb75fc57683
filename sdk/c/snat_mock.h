/*
 * snat_mock.h: a host for unit tests of policies in C, on this machine. Define SNAT_NATIVE
 * and include it after snat.h, in one file:
 *
 *     #define SNAT_NATIVE
 *     #include "snat.h"
 *     #include "snat_mock.h"
 *     #include "policy.c"
 *
 *     mock_reset();
 *     mock_fact("pod.label.egress", "own");
 *     assert(strcmp(mock_decide(), "exclude 10.1.0.0/16 because partners\n") == 0);
 */
#ifndef SNAT_MOCK_H
#define SNAT_MOCK_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	char *key, *value;
	uint32_t size;
} mock_facts[64];
static int mock_count;
static char mock_text[1 << 20]; /* what the policy did, a line for each call */
static jmp_buf mock_end;
static char mock_memory[32 << 20];
char *snat_top = mock_memory;

uint32_t snat_room(uint32_t size) {
	uint32_t room = (uint32_t)(mock_memory + sizeof mock_memory - snat_top);
	if (room < size)
		abort(); /* a test with more than 32 MiB */
	return room;
}

static void mock_write(const char *text, uint32_t size) {
	strncat(mock_text, text, size);
}

/* Begins an evaluation as a host does: with everything as it was after the start. */
static __attribute__((unused)) void mock_again(void) {
	snat_top = mock_memory;
	memset(snat_answers, 0, sizeof snat_answers);
	snat_count = 0;
	mock_text[0] = 0;
}

/* Forgets all facts. */
static __attribute__((unused)) void mock_reset(void) {
	for (; mock_count > 0; mock_count--) {
		free(mock_facts[mock_count - 1].key);
		free(mock_facts[mock_count - 1].value);
	}
	mock_again();
}

/* Adds a fact of so many bytes, in the place of its key in the alphabet. */
static __attribute__((unused)) void mock_bytes(const char *key, const char *value, uint32_t size) {
	int at = mock_count++;
	for (; at > 0 && strcmp(mock_facts[at - 1].key, key) > 0; at--)
		mock_facts[at] = mock_facts[at - 1];
	mock_facts[at].key = strdup(key);
	mock_facts[at].value = memcpy(malloc(size + 1), value, size);
	mock_facts[at].size = size;
}

static __attribute__((unused)) void mock_fact(const char *key, const char *value) {
	mock_bytes(key, value, (uint32_t)strlen(value));
}

int32_t snat_v1_fact(const char *key, uint32_t key_len, char *buf, uint32_t cap) {
	for (int i = 0; i < mock_count; i++) {
		if (strlen(mock_facts[i].key) != key_len || memcmp(mock_facts[i].key, key, key_len) != 0)
			continue;
		if (mock_facts[i].size <= cap)
			memcpy(buf, mock_facts[i].value, mock_facts[i].size);
		return (int32_t)mock_facts[i].size;
	}
	return SNAT_ABSENT;
}

int32_t snat_v1_fact_keys(const char *prefix, uint32_t prefix_len, char *buf, uint32_t cap) {
	uint32_t size = 0;
	for (int pass = 0; pass < 2; pass++) {
		if (pass == 1 && size > cap)
			break;
		size = 0;
		for (int i = 0; i < mock_count; i++) {
			if (strncmp(mock_facts[i].key, prefix, prefix_len) != 0)
				continue;
			uint32_t length = (uint32_t)strlen(mock_facts[i].key) + 1;
			if (pass == 1)
				memcpy(buf + size, mock_facts[i].key, length);
			size += length;
		}
	}
	return (int32_t)size;
}

void snat_v1_exclude(const char *cidr, uint32_t cidr_len, const char *why, uint32_t why_len) {
	mock_write("exclude ", 8), mock_write(cidr, cidr_len);
	mock_write(" because ", 9), mock_write(why, why_len), mock_write("\n", 1);
}

void snat_v1_translate(const char *cidr, uint32_t cidr_len, const char *source, uint32_t source_len, const char *why, uint32_t why_len) {
	mock_write("translate ", 10), mock_write(cidr, cidr_len);
	mock_write(" to ", 4), mock_write(source_len == 0 ? "primary" : source, source_len == 0 ? 7 : source_len);
	mock_write(" because ", 9), mock_write(why, why_len), mock_write("\n", 1);
}

void snat_v1_log(int32_t level, const char *msg, uint32_t msg_len) {
	char number[16];
	snprintf(number, sizeof number, "log %d ", level);
	mock_write(number, 16), mock_write(msg, msg_len), mock_write("\n", 1);
}

void snat_v1_fail(const char *msg, uint32_t msg_len) {
	mock_text[0] = 0;
	mock_write("fail ", 5), mock_write(msg, msg_len), mock_write("\n", 1);
	longjmp(mock_end, 1);
}

int32_t snat_export_decide(void);
int32_t snat_export_validate(void);

/* Evaluates the policy: a line for each call of the host, or only that of the failure. */
static __attribute__((unused)) const char *mock_decide(void) {
	mock_again();
	if (setjmp(mock_end) == 0 && snat_export_decide() == SNAT_NO_OPINION)
		mock_write("no opinion\n", 11);
	return mock_text;
}

/* Checks the configuration: empty if it is good. */
static __attribute__((unused)) const char *mock_validate(void) {
	mock_again();
	if (setjmp(mock_end) == 0)
		snat_export_validate();
	return mock_text;
}

#endif

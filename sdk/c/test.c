/* Unit tests of snat.h and of the sample, on this machine. */
#define _POSIX_C_SOURCE 200809L
#define SNAT_NATIVE
#include "snat.h"
#include "snat_mock.h"

#include "examples/sample.c"

static int problems;

static void want(int line, const char *got, const char *wanted) {
	if (strcmp(got, wanted) == 0)
		return;
	printf("test.c:%d: got  %s\n%*s want %s\n", line, got, 10, "", wanted);
	problems++;
}
#define WANT(got, wanted) want(__LINE__, got, wanted)

/* What snat_parse_prefix says of a text. */
static const char *parsed(const char *text) {
	mock_text[0] = 0;
	if (setjmp(mock_end) == 0)
		return snat_prefix_text(snat_parse_prefix("x", text));
	return mock_text;
}

static const char *address(const char *text) {
	mock_text[0] = 0;
	if (setjmp(mock_end) == 0)
		return snat_address_text(snat_parse_address("x", text));
	return mock_text;
}

static void test_prefixes(void) {
	static const char *const good[] = {"0.0.0.0/0", "10.0.0.0/8", "255.255.255.255/32", "128.0.0.0/1", "1.20.100.0/24"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		WANT(parsed(good[i]), good[i]);
	static const char *const bad[] = {"", "10", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.1/8", "10.0.0.0/8/8",
		"010.0.0.0/8", "256.0.0.0/8", "4294967306.0.0.0/8", "10.0.0.0.0/8", "10..0.0/8", " 10.0.0.0/8", "10.0.0.0/8 ", "-1.0.0.0/8", "fd00::/8"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		WANT(parsed(bad[i]), snat_text(snat_text("fail x: \"%\" is not an IPv4 prefix without host bits, such as 10.0.0.0/8\n", bad[i])));
	WANT(address("10.0.0.10"), "10.0.0.10");
	WANT(address("10.0.0.10/32"), "fail x: \"10.0.0.10/32\" is not an IPv4 address, want one such as 10.0.0.10\n");
	WANT(address("10.0.0"), "fail x: \"10.0.0\" is not an IPv4 address, want one such as 10.0.0.10\n");
}

static void test_texts(void) {
	WANT(snat_text("a % b % c", "1", "2"), "a 1 b 2 c");
	WANT(snat_text("%", "100% %"), "100% %");
	WANT(snat_text(""), "");
	WANT(snat_after("pod.name", "pod."), "name");
	WANT(snat_after("pod.", "pod.") == NULL ? "NULL" : "empty", "empty");
	WANT(snat_after("po", "pod.") == NULL ? "NULL" : "empty", "NULL");
	WANT(snat_equal("a", "a") && !snat_equal("a", "ab") && !snat_equal("ab", "a") && !snat_equal(NULL, "") ? "" : "wrong", "");
	WANT(snat_clip("\xc3\xa9\xc3\xa9", 3) == 2 && snat_clip("abc", 3) == 3 && snat_clip("abcd", 3) == 3 ? "" : "wrong", "");
}

static void test_lists(void) {
	mock_reset();
	mock_fact("config.partners", ",, 10.0.0.0/8\r\n\t10.1.0.0/16,0.0.0.0/0 ");
	char all[64] = "";
	SNAT_EACH(cidr, snat_split("x", fact_config("partners")))
		strcat(strcat(all, cidr), ";");
	WANT(all, "10.0.0.0/8;10.1.0.0/16;0.0.0.0/0;");
	all[0] = 0;
	mock_bytes("vpc.cidrs", "10.0.0.0/16\00010.1.0.0/16", 24);
	SNAT_EACH(cidr, fact_vpc_cidrs())
		strcat(strcat(all, cidr), ";");
	WANT(all, "10.0.0.0/16;10.1.0.0/16;");
	WANT(fact_vpc_prefixlist("x") == NULL ? "" : "there", "");
	mock_fact("config.a", "");
	all[0] = 0;
	FACT_EACH_CONFIG(key)
		strcat(strcat(all, key), ";");
	WANT(all, "a;partners;");
}

/* A text that is changed after it was answered with. */
static void test_reused_text(void) {
	mock_reset();
	char cidr[] = "10.0.0.0/8", source[] = "10.0.0.11";
	if (setjmp(mock_end) == 0) {
		snat_exclude(cidr, "ten");
		cidr[1] = '1';
		snat_translate_to(cidr, source, "eleven");
		source[8] = '2';
		snat_translate_to(cidr, source, "eleven");
	}
	WANT(mock_text, "fail decision: 11.0.0.0/8 has two outcomes\n");
	mock_reset();
	cidr[1] = '0';
	for (char c = '0'; c <= '9'; c++)
		cidr[1] = c, snat_exclude(cidr, "x");
	WANT(snat_count == 10 ? "" : "some are taken for others", "");
}

static void test_sample(void) {
	mock_reset();
	WANT(mock_validate(), "fail config partners: missing\n");
	mock_fact("config.partners", "10.1.0.0/16 10.1.0.0/16");
	WANT(mock_validate(), "");
	WANT(mock_decide(), "no opinion\n");
	mock_fact("pod.label.egress", "own");
	WANT(mock_decide(), "exclude 10.1.0.0/16 because partners\n");
	mock_reset();
	mock_fact("pod.label.egress", "node");
	mock_bytes("vpc.cidrs", "10.0.0.0/16", 12);
	WANT(mock_decide(), "exclude 10.0.0.0/16 because vpc.cidrs\ntranslate 0.0.0.0/0 to primary because hidden\nlog 0 hidden\n");
	mock_reset();
	mock_fact("pod.label.egress", "mine");
	WANT(mock_decide(), "fail label egress: \"mine\", want own or node\n");
	mock_fact("config.partner", "");
	WANT(mock_validate(), "fail config \"partner\" is not a setting, want partners\n");
}

int main(void) {
	test_prefixes();
	test_texts();
	test_lists();
	test_reused_text();
	test_sample();
	if (problems == 0)
		printf("ok\n");
	return problems > 0;
}

/*
 * The policy that every SDK has in its language: pods say by the label egress, own
 * or node, whose address they want to be seen with.
 *
 * Only the error about a label with another value is not to be copied. It is there so that
 * the conformance suite tests errors; in a cluster it would let the author of a pod keep
 * the last good decision. A policy leaves out what such a label is about.
 */
#include "snat.h"

static const char *partners(void) {
	return snat_split("config partners", FACT_CONFIG("partners"));
}

static void exclude_all(const char *list, const char *why) {
	SNAT_EACH(cidr, list)
		snat_exclude(cidr, why);
}

static void decide(void) {
	const char *wish = FACT_POD_LABEL("egress");
	if (wish == NULL)
		return; /* no opinion: the modules behind this one decide */
	if (snat_equal(wish, "own")) {
		exclude_all(partners(), "partners");
	} else if (snat_equal(wish, "node")) {
		exclude_all(fact_vpc_cidrs(), "vpc.cidrs");
		snat_translate(SNAT_EVERYWHERE, "hidden");
		snat_log(SNAT_LEVEL_INFO, "hidden");
	} else {
		snat_fail("label egress: \"%\", want own or node", wish);
	}
}

/* Checks the configuration when the module is loaded. */
static void validate(void) {
	FACT_EACH_CONFIG(setting)
		if (!snat_equal(setting, "partners"))
			snat_fail("config \"%\" is not a setting, want partners", setting);
	if (*partners() == 0)
		snat_fail("config partners: missing");
}

SNAT_POLICY(decide, validate)

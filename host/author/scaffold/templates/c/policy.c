#include "snat.h"

static const char *partners(void) {
	return snat_split("config partners", FACT_CONFIG("partners"));
}

static void decide(void) {
	if (!snat_equal(FACT_POD_LABEL("example.com/egress"), "own-address"))
		return; /* no opinion: the modules behind this one decide */
	SNAT_EACH(network, partners())
		snat_exclude(network, "partner network");
}

/* Checks the settings when the module is loaded. */
static void validate(void) {
	if (*partners() == 0)
		snat_fail("config partners: missing");
}

SNAT_POLICY(decide, validate)

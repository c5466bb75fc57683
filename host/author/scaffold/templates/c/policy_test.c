#define SNAT_NATIVE
#include "snat.h"
#include "snat_mock.h"
#include "policy.c"

int main(void) {
	mock_reset();
	mock_fact("pod.label.example.com/egress", "own-address");
	mock_fact("config.partners", "10.20.0.0/16");
	return strcmp(mock_decide(), "exclude 10.20.0.0/16 because partner network\n");
}

import { check, Decision, Facts, fail, parsePrefixes, Prefix, run } from "@snatd/policy/assembly";

function policy(facts: Facts, decision: Decision): void {
  if (facts.podLabel("example.com/egress") != "own-address") return; // no opinion: the modules behind this one decide
  const networks = partners(facts);
  for (let i = 0; i < networks.length; i++) decision.exclude(networks[i], "partner network");
}

/** Checks the settings when the module is loaded. */
function settings(facts: Facts): void {
  if (partners(facts).length == 0) fail("config partners: missing");
}

function partners(facts: Facts): Prefix[] {
  return parsePrefixes("config partners", facts.config("partners"));
}

export function decide(): i32 {
  return run(policy);
}

export function validate(): i32 {
  return check(settings);
}

/**
 * The policy that every SDK has in its language: pods say by the label egress, own or node, whose
 * address they want to be seen with.
 *
 * Only the error about a label with another value is not to be copied. It is there so that the
 * conformance suite tests errors; in a cluster it would let the author of a pod keep the last good
 * decision. A policy leaves out what such a label is about.
 */
import { check, Decision, Facts, fail, Level, parsePrefixes, Prefix, quote, run } from "../assembly";

function policy(facts: Facts, decision: Decision): void {
  const wish = facts.podLabel("egress");
  if (wish === null) return; // no opinion: the modules behind this one decide
  if (wish == "own") {
    exclude(decision, partners(facts), "partners");
  } else if (wish == "node") {
    exclude(decision, facts.vpcCidrs(), "vpc.cidrs");
    decision.translate(Prefix.everywhere(), "hidden");
    decision.log(Level.Info, "hidden");
  } else {
    fail("label egress: " + quote(wish) + ", want own or node");
  }
}

/** Checks the configuration when the module is loaded. */
function settings(facts: Facts): void {
  const names = facts.configKeys();
  for (let i = 0; i < names.length; i++) {
    if (names[i] != "partners") fail("config " + quote(names[i]) + " is not a setting, want partners");
  }
  if (partners(facts).length == 0) fail("config partners: missing");
}

function partners(facts: Facts): Prefix[] {
  return parsePrefixes("config partners", facts.config("partners"));
}

function exclude(decision: Decision, list: Prefix[] | null, why: string): void {
  if (list === null) return;
  for (let i = 0; i < list.length; i++) decision.exclude(list[i], why);
}

export function decide(): i32 {
  return run(policy);
}

export function validate(): i32 {
  return check(settings);
}

import { DECIDED, NO_OPINION } from "./abi";
import { Decision } from "./decision";
import { Facts } from "./facts";
import { fail } from "./fail";

/**
 * Evaluates a policy and answers the host; what the export decide returns. A policy that makes no
 * entry has no opinion; after an error the host keeps its last good decision.
 */
export function run(policy: (facts: Facts, decision: Decision) => void): i32 {
  const decision = new Decision();
  policy(new Facts(), decision);
  if (decision.problem.length > 0) fail(decision.problem);
  decision.send();
  return decision.decided ? DECIDED : NO_OPINION;
}

/**
 * Checks the configuration when the module is loaded; what the export validate returns. Only the
 * facts config.* exist then.
 */
export function check(validate: (facts: Facts) => void): i32 {
  validate(new Facts());
  return 0;
}

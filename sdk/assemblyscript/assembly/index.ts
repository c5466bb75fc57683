/**
 * What authors of snatd policies use: the facts about a pod, the decision about its traffic,
 * and the way both cross the border of a WebAssembly module. A module exports what the host
 * calls:
 *
 *     function policy(facts: Facts, decision: Decision): void { ... }
 *     export function decide(): i32 { return run(policy); }
 */
export { Decision, Level } from "./decision";
export { abort, fail } from "./fail";
export { Facts } from "./facts";
export { Address, Prefix, parseAddress, parsePrefix, parsePrefixes } from "./prefix";
export { check, run } from "./run";
export { quote } from "./text";

// Generated from sdk/abi by sdk/schema/gen. Do not edit.

/** The functions of the host. */
export namespace host {
  /** Reads one fact. The length of an absent fact is -1. The value is written to buf only if its length is at most cap: a guest whose buffer is too small asks again. */
  @external("snat_v1", "fact")
  export declare function fact(key: usize, key_len: i32, buf: usize, cap: i32): i32;
  /** Lists the keys under a prefix, sorted, each ended by a NUL. The same rule as for fact. */
  @external("snat_v1", "fact_keys")
  export declare function fact_keys(prefix: usize, prefix_len: i32, buf: usize, cap: i32): i32;
  /** Keeps the pod's address towards a prefix. */
  @external("snat_v1", "exclude")
  export declare function exclude(cidr: usize, cidr_len: i32, why: usize, why_len: i32): void;
  /** Replaces the pod's address towards a prefix. An empty source is the node's primary address. Another must be granted by the operator and held by the node's primary interface, which is read as the fact node.address.<source>. */
  @external("snat_v1", "translate")
  export declare function translate(cidr: usize, cidr_len: i32, source: usize, source_len: i32, why: usize, why_len: i32): void;
  /** Writes a line to the daemon's log. */
  @external("snat_v1", "log")
  export declare function log(level: i32, msg: usize, msg_len: i32): void;
  /** Ends the evaluation with an error. It never returns. */
  @external("snat_v1", "fail")
  export declare function fail(msg: usize, msg_len: i32): void;
}

/** Absent is the length that fact returns for a fact that does not exist. */
export const ABSENT: i32 = -1;
/** Decided is what decide returns to say that the calls of exclude and translate are the answer. */
export const DECIDED: i32 = 0;
/** NoOpinion is what decide returns to leave the subject to the modules behind. */
export const NO_OPINION: i32 = 1;

export const LEVEL_DEBUG: i32 = -1;
export const LEVEL_INFO: i32 = 0;
export const LEVEL_WARN: i32 = 1;
export const LEVEL_ERROR: i32 = 2;

/** bytes of a key or prefix of keys */
export const MAX_KEY: i32 = 1024;
/** bytes of a value or list of keys */
export const MAX_VALUE: i32 = 262144;
/** different reads, of facts and lists of keys */
export const MAX_READS: i32 = 4096;
/** bytes of their keys and values together */
export const MAX_READ: i32 = 1048576;
/** bytes of a reason */
export const MAX_REASON: i32 = 256;
/** bytes of one log line or error text */
export const MAX_MESSAGE: i32 = 4096;
/** bytes of all log lines together */
export const MAX_LOG: i32 = 65536;
/** prefixes in one decision, with those that are given again */
export const MAX_PREFIXES: i32 = 10000;

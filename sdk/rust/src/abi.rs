// Generated from sdk/abi by sdk/schema/gen. Do not edit.

//! The ABI: the functions of the host, values and limits.

#![allow(dead_code)]

#[cfg(target_arch = "wasm32")]
#[link(wasm_import_module = "snat_v1")]
extern "C" {
    /// Reads one fact. The length of an absent fact is -1. The value is written
    /// to buf only if its length is at most cap: a guest whose buffer is too
    /// small asks again.
    pub fn fact(key: *const u8, key_len: usize, buf: *mut u8, cap: usize) -> i32;
    /// Lists the keys under a prefix, sorted, each ended by a NUL. The same
    /// rule as for fact.
    pub fn fact_keys(prefix: *const u8, prefix_len: usize, buf: *mut u8, cap: usize) -> i32;
    /// Keeps the pod's address towards a prefix.
    pub fn exclude(cidr: *const u8, cidr_len: usize, why: *const u8, why_len: usize);
    /// Replaces the pod's address towards a prefix. An empty source is the
    /// node's primary address. Another must be granted by the operator and held
    /// by the node's primary interface, which is read as the fact
    /// node.address.<source>.
    pub fn translate(cidr: *const u8, cidr_len: usize, source: *const u8, source_len: usize, why: *const u8, why_len: usize);
    /// Writes a line to the daemon's log.
    pub fn log(level: i32, msg: *const u8, msg_len: usize);
    /// Ends the evaluation with an error. It never returns.
    pub fn fail(msg: *const u8, msg_len: usize);
}

/// Absent is the length that fact returns for a fact that does not exist.
pub const ABSENT: i32 = -1;
/// Decided is what decide returns to say that the calls of exclude and
/// translate are the answer.
pub const DECIDED: i32 = 0;
/// NoOpinion is what decide returns to leave the subject to the modules behind.
pub const NO_OPINION: i32 = 1;
pub const LEVEL_DEBUG: i32 = -1;
pub const LEVEL_INFO: i32 = 0;
pub const LEVEL_WARN: i32 = 1;
pub const LEVEL_ERROR: i32 = 2;

/// bytes of a key or prefix of keys
pub const MAX_KEY: usize = 1024;
/// bytes of a value or list of keys
pub const MAX_VALUE: usize = 262144;
/// different reads, of facts and lists of keys
pub const MAX_READS: usize = 4096;
/// bytes of their keys and values together
pub const MAX_READ: usize = 1048576;
/// bytes of a reason
pub const MAX_REASON: usize = 256;
/// bytes of one log line or error text
pub const MAX_MESSAGE: usize = 4096;
/// bytes of all log lines together
pub const MAX_LOG: usize = 65536;
/// prefixes in one decision, with those that are given again
pub const MAX_PREFIXES: usize = 10000;

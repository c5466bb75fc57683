use core::cell::Cell;

use crate::arena::{clip, keep};
use crate::{abi, error, Address, Error, Prefix};

/// How much a log line matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum Level {
    Debug = abi::LEVEL_DEBUG,
    Info = abi::LEVEL_INFO,
    Warn = abi::LEVEL_WARN,
    Error = abi::LEVEL_ERROR,
}

/// What happens to the pod's address towards one destination prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    pub prefix: Prefix,
    /// False: the pod's address is kept.
    pub translate: bool,
    /// What `translate` translates to; none: the node's primary address.
    pub source: Option<Address>,
    /// For people, at most 256 bytes.
    pub why: &'static str,
}

impl Entry {
    fn outcome(&self) -> &'static str {
        match (self.translate, self.source) {
            (false, _) => "exclude",
            (true, None) => "translate",
            (true, Some(source)) => crate::text(format_args!("translate to {}", source)),
        }
    }
}

struct Node {
    entry: Entry,
    next: Cell<Option<&'static Node>>, // in the order of the calls
    sibling: Option<&'static Node>, // with the same hash
}

const BUCKETS: usize = 1024;

/// A line for the daemon's log, as a unit test sees it.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    pub level: Level,
    pub text: std::string::String,
}

/// Collects a policy's answer for one subject. The longest prefix that covers a destination
/// decides, the order of the calls does not matter. A prefix that is given again with the same
/// outcome is ignored. A prefix that cannot be one, or that already has another outcome,
/// makes the whole decision an error.
pub struct Decision {
    first: Option<&'static Node>,
    last: Option<&'static Node>,
    buckets: &'static mut [Option<&'static Node>; BUCKETS],
    count: usize,
    problem: Option<Error>, // of the first call that was wrong
    #[cfg(not(target_arch = "wasm32"))]
    lines: std::vec::Vec<Line>,
}

impl Decision {
    pub(crate) fn new() -> Decision {
        Decision {
            first: None,
            last: None,
            buckets: keep([None; BUCKETS]),
            count: 0,
            problem: None,
            #[cfg(not(target_arch = "wasm32"))]
            lines: std::vec::Vec::new(),
        }
    }

    /// Keeps the pod's address towards a prefix.
    pub fn exclude(&mut self, prefix: Prefix, why: &'static str) {
        self.add(Entry { prefix, translate: false, source: None, why });
    }

    /// Replaces the pod's address towards a prefix by the node's primary address. The operator
    /// must have granted it.
    pub fn translate(&mut self, prefix: Prefix, why: &'static str) {
        self.add(Entry { prefix, translate: true, source: None, why });
    }

    /// [`translate`](Decision::translate) to another address. The operator must have granted
    /// that address, and the node's primary interface must hold it.
    pub fn translate_to(&mut self, prefix: Prefix, source: Address, why: &'static str) {
        self.add(Entry { prefix, translate: true, source: Some(source), why });
    }

    /// Adds a line to the daemon's log. Lines belong to an evaluation: where a remembered
    /// decision is reused, nothing is logged again.
    pub fn log(&mut self, level: Level, line: &str) {
        let line = clip(line, abi::MAX_MESSAGE);
        #[cfg(target_arch = "wasm32")]
        crate::guest::log(level, line);
        #[cfg(not(target_arch = "wasm32"))]
        self.lines.push(Line { level, text: line.into() });
    }

    /// What was logged, also by a policy that failed.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The entries in the order of the calls.
    pub fn entries(&self) -> Entries {
        Entries(self.first)
    }

    fn add(&mut self, mut entry: Entry) {
        if let Err(problem) = self.try_add(&mut entry) {
            self.problem.get_or_insert(problem.at("decision"));
        }
    }

    fn try_add(&mut self, entry: &mut Entry) -> Result<(), Error> {
        let prefix = entry.prefix.check()?;
        entry.why = clip(entry.why, abi::MAX_REASON);
        let hash = prefix.address.0.wrapping_add(prefix.bits as u32).wrapping_mul(0x9e37_79b1) as usize;
        let bucket = &mut self.buckets[hash / 64 % BUCKETS];
        let mut other = *bucket;
        while let Some(node) = other {
            if node.entry.prefix == prefix {
                let first = node.entry;
                if first.translate != entry.translate || first.source != entry.source {
                    return Err(error!("{} is given as {} and as {}, want one outcome", prefix, first.outcome(), entry.outcome()));
                }
                return Ok(());
            }
            other = node.sibling;
        }
        if self.count == abi::MAX_PREFIXES {
            return Err(error!("more than {} prefixes", abi::MAX_PREFIXES));
        }
        self.count += 1;
        let node: &'static Node = keep(Node { entry: *entry, next: Cell::new(None), sibling: *bucket });
        *bucket = Some(node);
        match self.last {
            None => self.first = Some(node),
            Some(last) => last.next.set(Some(node)),
        }
        self.last = Some(node);
        Ok(())
    }

    /// The decision, or the error of the first call that was wrong.
    pub(crate) fn finish(self) -> Result<Decision, Error> {
        match self.problem {
            None => Ok(self),
            Some(problem) => Err(problem),
        }
    }
}

/// The entries of a decision.
pub struct Entries(Option<&'static Node>);

impl Iterator for Entries {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let node = self.0?;
        self.0 = node.next.get();
        Some(node.entry)
    }
}

use crate::{error, parse_address, prefix::Quoted, Address, Error, Prefixes};

/// Where facts come from: the host in a module, [`Map`](crate::Map) in a unit test. The host
/// records every call: a decision is a pure function of what it read.
pub trait Source {
    /// The value of a fact; none if there is no such fact.
    fn fact(&self, key: &str) -> Option<&'static str>;
    /// The sorted keys that begin with a prefix, each ended by a NUL.
    fn fact_keys(&self, prefix: &str) -> &'static str;
}

/// The facts about the current subject.
pub struct Facts<'a> {
    source: &'a dyn Source,
}

impl<'a> Facts<'a> {
    pub fn new(source: &'a dyn Source) -> Facts<'a> {
        Facts { source }
    }

    /// The value of any fact; none if there is no such fact.
    pub fn fact(&self, key: &str) -> Option<&'static str> {
        self.source.fact(key)
    }

    /// What follows a prefix in the sorted keys that begin with it.
    pub fn keys(&self, prefix: &str) -> Keys {
        Keys { rest: self.source.fact_keys(prefix), prefix: prefix.len() }
    }

    pub(crate) fn boolean(&self, key: &str) -> Result<bool, Error> {
        match self.fact(key) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(value) => Err(error!("fact {}: {} is not a bool, want \"true\" or \"false\"", key, Quoted(value))),
        }
    }

    pub(crate) fn address(&self, key: &str) -> Result<Option<Address>, Error> {
        self.fact(key).map(|value| parse_address(value).map_err(|err| at(key, err))).transpose()
    }

    pub(crate) fn prefixes(&self, key: &str) -> Result<Option<Prefixes>, Error> {
        self.fact(key).map(|value| Prefixes::of_list(value).map_err(|err| at(key, err))).transpose()
    }
}

fn at(key: &str, err: Error) -> Error {
    error!("fact {}: {}", key, err)
}

/// Keys of facts, without the prefix that they have in common.
#[derive(Clone)]
pub struct Keys {
    rest: &'static str,
    prefix: usize,
}

impl Iterator for Keys {
    type Item = &'static str;

    fn next(&mut self) -> Option<&'static str> {
        let end = self.rest.bytes().position(|c| c == 0)?;
        let key = self.rest.get(self.prefix..end);
        self.rest = self.rest.get(end + 1..)?;
        key
    }
}

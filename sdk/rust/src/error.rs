use core::fmt;

use crate::{error, prefix::Quoted};

/// Why a policy has no answer: a text for the operator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error(&'static str);

impl Error {
    /// An error with that text; [`error!`](crate::error!) makes one of parts.
    pub fn new(text: &'static str) -> Error {
        Error(text)
    }

    /// The error with a place before it: `error.at("config cidrs")`.
    pub fn at(self, place: &str) -> Error {
        error!("{}: {}", place, self.0)
    }

    /// The text.
    pub fn text(&self) -> &'static str {
        self.0
    }

    pub(crate) fn wrong(text: &str, what: &str) -> Error {
        error!("{} {}", Quoted(text), what)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.0)
    }
}

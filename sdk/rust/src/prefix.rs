use core::fmt::{self, Write};

use crate::{error, Error};

/// An IPv4 address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(pub u32);

/// An IPv4 prefix. One with host bits can be made, but makes a decision an error.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix {
    pub address: Address,
    pub bits: u8,
}

/// 0.0.0.0/0, every destination.
pub const EVERYWHERE: Prefix = Prefix { address: Address(0), bits: 0 };

impl Address {
    pub const fn new(a: u8, b: u8, c: u8, d: u8) -> Address {
        Address(u32::from_be_bytes([a, b, c, d]))
    }
}

impl Prefix {
    pub const fn new(address: Address, bits: u8) -> Prefix {
        Prefix { address, bits }
    }

    /// The text, with few function calls: a decision may have thousands of prefixes, and the
    /// host counts them.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn write(self, to: &mut [u8; 18]) -> &str {
        let mut used = 0;
        for shift in [24, 16, 8, 0, 32] {
            let number = if shift == 32 { self.bits } else { (self.address.0 >> shift) as u8 };
            for power in [100, 10, 1] {
                if number >= power || power == 1 {
                    to[used] = b'0' + number / power % 10;
                    used += 1;
                }
            }
            if shift != 32 {
                to[used] = if shift == 0 { b'/' } else { b'.' };
                used += 1;
            }
        }
        // SAFETY: it is ASCII.
        unsafe { core::str::from_utf8_unchecked(to.get_unchecked(..used)) }
    }

    /// What keeps the prefix from being a destination.
    pub(crate) fn check(self) -> Result<Prefix, Error> {
        if self.bits > 32 {
            return Err(error!("\"{}\" is not an IPv4 prefix, want one such as 10.0.0.0/8", self));
        }
        let mask = u32::MAX.checked_shl(32 - self.bits as u32).unwrap_or(0);
        let masked = Prefix::new(Address(self.address.0 & mask), self.bits);
        if masked != self {
            return Err(error!("\"{}\" has host bits set, write {}", self, masked));
        }
        Ok(self)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [a, b, c, d] = self.0.to_be_bytes();
        write!(f, "{}.{}.{}.{}", a, b, c, d)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Parses an IPv4 address such as 10.0.0.10.
pub fn parse_address(text: &str) -> Result<Address, Error> {
    scan(text, 4).map(|value| Address(value as u32)).ok_or_else(|| Error::wrong(text, "is not an IPv4 address, want one such as 10.0.0.10"))
}

/// Parses an IPv4 prefix such as 10.0.0.0/8, without host bits. The error quotes the text
/// and says what would be accepted.
pub fn parse_prefix(text: &str) -> Result<Prefix, Error> {
    if let Some(value) = scan(text, 5) {
        return Prefix::new(Address((value >> 8) as u32), value as u8).check();
    }
    if scan(text, 4).is_some() {
        return Err(error!("{} has no length, write {}/32", Quoted(text), text));
    }
    let bytes = text.as_bytes();
    if bytes.contains(&b':') && bytes.contains(&b'/') {
        return Err(Error::wrong(text, "is IPv6, only IPv4 is accepted"));
    }
    Err(Error::wrong(text, "is not an IPv4 prefix, want one such as 10.0.0.0/8"))
}

/// Reads 4 numbers of an address, or 5 of a prefix.
fn scan(text: &str, numbers: usize) -> Option<u64> {
    let bytes = text.as_bytes();
    let (mut value, mut at) = (0, 0);
    for i in 1.. {
        let (mut number, from) = (0, at);
        while at < bytes.len() && at - from < 4 && bytes[at].wrapping_sub(b'0') < 10 {
            number = number * 10 + (bytes[at] - b'0') as u64;
            at += 1;
        }
        let digits = at - from;
        if digits == 0 || digits > 3 || digits > 1 && bytes[from] == b'0' || number > if i == 5 { 32 } else { 255 } {
            return None;
        }
        value = value << 8 | number;
        if i == numbers {
            return (at == bytes.len()).then_some(value);
        }
        if at == bytes.len() || bytes[at] != if i == 4 { b'/' } else { b'.' } {
            return None;
        }
        at += 1;
    }
    None
}

/// Prefixes that a text lists, all of them checked.
#[derive(Clone)]
pub struct Prefixes {
    rest: &'static str,
    list: bool, // of a fact: every item is ended by a NUL
}

/// The prefixes of a text that a person wrote: separated by commas, white space or both. A
/// text without any gives none.
pub fn prefixes(text: &'static str) -> Result<Prefixes, Error> {
    Prefixes::checked(text, false)
}

impl Prefixes {
    /// The prefixes of a list: items that are each ended by a NUL.
    pub(crate) fn of_list(list: &'static str) -> Result<Prefixes, Error> {
        let bytes = list.as_bytes();
        match bytes.last() {
            None | Some(0) => {}
            _ => return Err(Error::new("the last item of the list is not ended by a NUL byte")),
        }
        if bytes.first() == Some(&0) || bytes.windows(2).any(|pair| pair == b"\0\0") {
            parse_prefix("")?; // an empty item
        }
        Prefixes::checked(list, true)
    }

    fn checked(rest: &'static str, list: bool) -> Result<Prefixes, Error> {
        let all = Prefixes { rest, list };
        let mut items = all.clone();
        while let Some(item) = items.item() {
            parse_prefix(item)?;
        }
        Ok(all)
    }

    /// Whether there are no more.
    pub fn is_empty(&self) -> bool {
        self.clone().item().is_none()
    }

    fn item(&mut self) -> Option<&'static str> {
        // In plain loops: the host counts function calls, and closures may become some.
        let bytes = self.rest.as_bytes();
        let mut from = 0;
        while from < bytes.len() && self.separates(bytes[from]) {
            from += 1;
        }
        let mut end = from;
        while end < bytes.len() && !self.separates(bytes[end]) {
            end += 1;
        }
        let item = self.rest.get(from..end)?;
        self.rest = self.rest.get(end..)?;
        (end > from).then_some(item)
    }

    #[inline(always)]
    fn separates(&self, c: u8) -> bool {
        if self.list {
            c == 0
        } else {
            matches!(c, b',' | b' ' | b'\t' | b'\r' | b'\n')
        }
    }
}

impl Iterator for Prefixes {
    type Item = Prefix;

    fn next(&mut self) -> Option<Prefix> {
        parse_prefix(self.item()?).ok()
    }
}

/// A text in quotation marks, for messages.
pub(crate) struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            if c == '"' || c == '\\' {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        f.write_char('"')
    }
}

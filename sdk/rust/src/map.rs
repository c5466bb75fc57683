use std::collections::BTreeMap;
use std::string::String;

use crate::{join, Source};

/// A [`Source`] for unit tests: the value of each fact by its key. A list is its items, each
/// ended by a NUL.
#[derive(Clone, Default)]
pub struct Map(BTreeMap<String, String>);

impl<const N: usize> From<[(&str, &str); N]> for Map {
    fn from(facts: [(&str, &str); N]) -> Map {
        Map(facts.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect())
    }
}

impl Source for Map {
    fn fact(&self, key: &str) -> Option<&'static str> {
        self.0.get(key).map(|value| join(&[value]))
    }

    fn fact_keys(&self, prefix: &str) -> &'static str {
        let mut keys = String::new();
        for key in self.0.keys().filter(|key| key.starts_with(prefix)) {
            keys.push_str(key);
            keys.push('\0');
        }
        join(&[&keys])
    }
}

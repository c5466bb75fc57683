#![cfg_attr(target_arch = "wasm32", no_std)]

use snatd::{policy, prefixes, Decision, Error, Facts, Prefixes};

pub fn decide(facts: &Facts, decision: &mut Decision) -> Result<(), Error> {
    if facts.pod_label("example.com/egress") != Some("own-address") {
        return Ok(()); // no opinion: the modules behind this one decide
    }
    for network in partners(facts)? {
        decision.exclude(network, "partner network");
    }
    Ok(())
}

/// Checks the settings when the module is loaded.
pub fn validate(facts: &Facts) -> Result<(), Error> {
    if partners(facts)?.is_empty() {
        return Err(Error::new("config partners: missing"));
    }
    Ok(())
}

fn partners(facts: &Facts) -> Result<Prefixes, Error> {
    prefixes(facts.config("partners").unwrap_or("")).map_err(|err| err.at("config partners"))
}

policy!(decide, validate);

#[cfg(test)]
mod tests {
    use snatd::{run, Map};

    #[test]
    fn keeps_the_address_towards_partners() {
        let facts = Map::from([("pod.label.example.com/egress", "own-address"), ("config.partners", "10.20.0.0/16")]);
        let decision = run(super::decide, &facts).unwrap();
        let networks: Vec<String> = decision.entries().map(|entry| entry.prefix.to_string()).collect();
        assert_eq!(networks, ["10.20.0.0/16"]);
    }
}

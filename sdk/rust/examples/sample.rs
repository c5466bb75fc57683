//! The policy that every SDK has in its language: pods say by the label egress, own or node,
//! whose address they want to be seen with.
//!
//! Only the error about a label with another value is not to be copied. It is there so that the
//! conformance suite tests errors; in a cluster it would let the author of a pod keep the last
//! good decision. A policy leaves out what such a label is about.

#![cfg_attr(target_arch = "wasm32", no_std)]

use snatd::{error, policy, prefixes, Decision, Error, Facts, Level, Prefixes, EVERYWHERE};

pub fn decide(facts: &Facts, decision: &mut Decision) -> Result<(), Error> {
    match facts.pod_label("egress") {
        None => {} // no opinion: the modules behind this one decide
        Some("own") => exclude(decision, partners(facts)?, "partners"),
        Some("node") => {
            if let Some(cidrs) = facts.vpc_cidrs()? {
                exclude(decision, cidrs, "vpc.cidrs");
            }
            decision.translate(EVERYWHERE, "hidden");
            decision.log(Level::Info, "hidden");
        }
        Some(wish) => return Err(error!("label egress: \"{}\", want own or node", wish)),
    }
    Ok(())
}

/// Checks the configuration when the module is loaded.
pub fn validate(facts: &Facts) -> Result<(), Error> {
    for setting in facts.config_keys() {
        if setting != "partners" {
            return Err(error!("config \"{}\" is not a setting, want partners", setting));
        }
    }
    if partners(facts)?.is_empty() {
        return Err(Error::new("config partners: missing"));
    }
    Ok(())
}

fn partners(facts: &Facts) -> Result<Prefixes, Error> {
    prefixes(facts.config("partners").unwrap_or("")).map_err(|err| err.at("config partners"))
}

fn exclude(decision: &mut Decision, list: Prefixes, why: &'static str) {
    for prefix in list {
        decision.exclude(prefix, why);
    }
}

policy!(decide, validate);

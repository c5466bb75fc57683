use crate::{Decision, Error, Facts, Policy, Source};

/// Evaluates a policy on the facts of a source, natively or in a module. The error is the
/// policy's own, or the one of a wrong call to the decision. A panic is not caught.
pub fn run(policy: Policy, source: &dyn Source) -> Result<Decision, Error> {
    let mut decision = Decision::new();
    policy(&Facts::new(source), &mut decision)?;
    decision.finish()
}

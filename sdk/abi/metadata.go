package abi

// MetadataSection is the name of the custom section in which a module says what it is,
// as JSON. It is optional, and no host needs it to run the module.
const MetadataSection = "snatd.policy"

package abi

// Bounds of what a module may have, whatever it does. All are far above what
// compilers produce. A module beyond one is refused with an error that names it.
const (
	BoundBytes     = 32 << 20 // bytes of the module, and of its file
	BoundTypes     = 2000     // types
	BoundValues    = 1000     // parameters, and results, of one type
	BoundImports   = 100      // imports
	BoundFunctions = 20_000   // functions
	BoundBody      = 64 << 10 // bytes of one function
	BoundLocals    = 1000     // locals of one function
	BoundFlow      = 1 << 18  // values that the calls and branches of one function pass, each as many as the module's largest type has; and parameters and results of all types together
	BoundGlobals   = 1 << 16  // globals
	BoundExports   = 1000     // exports
	BoundTables    = 16       // tables
	BoundElements  = 1 << 16  // entries of all tables together, also when they have grown, and items of element segments
	BoundParts     = 1000     // element segments
	BoundSegments  = 50_000   // data segments
	BoundNames     = 4 << 20  // bytes of the section with names
)

/* Modules that no host takes, each for one reason: the macro that is defined. */
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

#ifdef UNKNOWN_FUNCTION
IMPORT("snat_v1", "now") int32_t import(void);
#elif defined UNKNOWN_MODULE
IMPORT("env", "abort") int32_t import(void);
#elif defined UNKNOWN_VERSION
IMPORT("snat_v0", "fact") int32_t import(void);
#elif defined OTHER_SIGNATURE
IMPORT("snat_v1", "fail") int32_t import(void);
#elif defined FILES
IMPORT("wasi_snapshot_preview1", "path_open") int32_t import(void);
#else
#define import() 0
#endif

#ifdef NO_DECIDE
EXPORT("_start") void start(void) {}
#elif defined OTHER_DECIDE
EXPORT("decide") int64_t decide(void) { return import(); }
#else
EXPORT("decide") int32_t decide(void) { return import(); }
#endif

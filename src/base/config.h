/* Reading the public structs that begin with their size, whichever header the caller was
 * compiled with: one rule for all of them. */
#ifndef KITH_BASE_CONFIG_H
#define KITH_BASE_CONFIG_H

#include "kith/base.h"

/* Reads the struct `given` into `out`, which has `known` bytes, holds the defaults and keeps its
 * size. What an older header's struct lacks stays a default. TYPE when no size was set, with the
 * name of the init macro; NOT_SUPPORTED when a newer header's struct sets a field that we do not
 * know. Then out is unchanged. */
kith_err kith_config_read(void *out, size_t known, const void *given, const char *init_macro);
/* The same for a struct that has its size behind the fields of its first version, `at` bytes from
 * its start. 0: it has those alone. */
kith_err kith_config_read_sized_at(void *out, size_t known, const void *given, size_t at,
                                   const char *init_macro);
/* The same for an element of an array, `size` bytes long by the caller's header, that does not
 * begin with its size. `out` holds the defaults. `name` is the struct's. */
kith_err kith_config_read_element(void *out, size_t known, const void *given, size_t size,
                                  const char *name);
/* The reverse: fills the caller's struct `out`, which has its size set, with what of `from`, of
 * `known` bytes, fits there; what a newer header's struct has beyond is zero. TYPE when no size was
 * set; then out is unchanged. */
kith_err kith_config_write(void *out, size_t known, const void *from, const char *init_macro);

#endif

/* Setting the thread's last error. Failing looks like `return kith_fail(KITH_ERR_TYPE, "…")`. */
#ifndef KITH_BASE_ERROR_H
#define KITH_BASE_ERROR_H

#include "kith/base.h"

/* Records err with a sentence and returns err. */
kith_err kith_fail(kith_err err, const char *format, ...) KITH_PRINTF(2, 3);
/* The same for KITH_ERR_NO_MEMORY, in one word. */
kith_err kith_fail_memory(void);
/* The same with errno's text appended and kept in system_errno. */
kith_err kith_fail_system(int system_errno, const char *format, ...) KITH_PRINTF(2, 3);
/* KITH_ERR_SDP_SYNTAX with the line it happened on. */
kith_err kith_fail_sdp(int line_number, const char *format, ...) KITH_PRINTF(2, 3);
/* Records a whole error, for details that the calls above do not carry. */
kith_err kith_fail_with(const kith_error *error);
/* Fills `out` with err, its sentence, and "does not apply" everywhere else. */
void kith_error_init(kith_error *out, kith_err err, const char *format, ...) KITH_PRINTF(3, 4);

#endif

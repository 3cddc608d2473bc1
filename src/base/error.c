/* The thread's last error and the names of all errors. It records and never logs: whoever decides
 * what an error means for the user does that. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define NOTHING_APPLIES                                                                   \
    .sdp_line_number = -1, .sctp_cause_code = -1, .received_alert = -1, .sent_alert = -1, \
    .system_errno = -1

static _Thread_local kith_error last = {NOTHING_APPLIES};

/* An error of the list, with its texts. */
struct row {
    const char *name, *exception, *text;
};

static const struct row rows[] = {[KITH_OK] = {"OK", "", "success"},
#define ROW(error, number, exception_name, clause) [number] = {#error, exception_name, clause},
                                  KITH_ERR_LIST(ROW)
#undef ROW
};

static const struct row *row_of(kith_err err)
{
    static const struct row unknown = {"UNKNOWN", "OperationError", "unknown error"};
    size_t number = (size_t)err;
    return number < sizeof rows / sizeof rows[0] && rows[number].name ? &rows[number] : &unknown;
}

const char *kith_err_name(kith_err err)
{
    return row_of(err)->name;
}

const char *kith_err_text(kith_err err)
{
    return row_of(err)->text;
}

const char *kith_err_exception(kith_err err)
{
    return row_of(err)->exception;
}

const kith_error *kith_last_error(void)
{
    return &last;
}

/* A sentence that names an earlier message as its argument must not be built over it. */
static void fill(kith_error *out, kith_err err, const char *format, va_list args)
{
    kith_error fresh = {.err = err, NOTHING_APPLIES};
    vsnprintf(fresh.message, sizeof fresh.message, format, args);
    *out = fresh;
}

void kith_error_init(kith_error *out, kith_err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(out, err, format, args);
    va_end(args);
}

kith_err kith_fail(kith_err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(&last, err, format, args);
    va_end(args);
    return err;
}

kith_err kith_fail_memory(void)
{
    return kith_fail(KITH_ERR_NO_MEMORY, "out of memory");
}

kith_err kith_fail_system(int system_errno, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(&last, KITH_ERR_SYSTEM, format, args);
    va_end(args);
    size_t len = strlen(last.message);
    snprintf(last.message + len, sizeof last.message - len, ": %s", strerror(system_errno));
    last.system_errno = system_errno;
    return KITH_ERR_SYSTEM;
}

kith_err kith_fail_sdp(int line_number, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(&last, KITH_ERR_SDP_SYNTAX, format, args);
    va_end(args);
    last.error_detail = KITH_ERROR_DETAIL_SDP_SYNTAX_ERROR;
    last.sdp_line_number = line_number;
    return KITH_ERR_SDP_SYNTAX;
}

kith_err kith_fail_with(const kith_error *error)
{
    if (error != &last)
        last = *error;
    return last.err;
}

kith_err kith_set_last_error(kith_err err, const char *message)
{
    return kith_fail(err, "%s", message);
}

/* What every part of kith shares: errors, time, memory and the log.
 *
 * Three kinds of wrong never mix. The caller's fault is a kith_err, and the object is exactly as it
 * was before the call. The network's fault is dropped and counted. Our own fault is an assert. */
#ifndef KITH_BASE_H
#define KITH_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KITH_VERSION_MAJOR 0
#define KITH_VERSION_MINOR 1
#define KITH_VERSION_PATCH 0

#if defined(__GNUC__) || defined(__clang__)
#define KITH_API                         __attribute__((visibility("default")))
#define KITH_MUST_CHECK                  __attribute__((warn_unused_result))
#define KITH_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#else
#define KITH_API
#define KITH_MUST_CHECK
#define KITH_PRINTF(format_at, first_at)
#endif

/* A struct that begins with `size` may grow at its end: begin it with its _INIT macro. What the
 * struct of an older header lacks is a default. TYPE: no size was set. NOT_SUPPORTED: a newer
 * header's struct sets a field that this library does not know. One that kith hands out may be
 * given back as it is; a copy of it has your size, not the library's: set it. One whose size
 * stands behind the fields of its first version may leave it 0: it has no more than those.
 *
 * A struct without it is one that kith alone makes and hands out behind a pointer, and may grow at
 * its end too: copy what you need of it, not the whole. Those that you make say that they never
 * grow. */

#ifdef __cplusplus
/* What the _INIT macros are in C++, which has designated initializers only since C++20. */
#define KITH_INIT_OF(type)              \
    ([] {                               \
        type kith_init_ = type();       \
        kith_init_.size = sizeof(type); \
        return kith_init_;              \
    }())
#endif

/* "major.minor.patch" of the library that runs, which may be newer than the header. */
KITH_API const char *kith_version(void);

/* ---- errors ---- */

/* Every error: name, number, the W3C exception it stands for, what it means. */
#define KITH_ERR_LIST(X)                                                                      \
    X(NO_MEMORY, 1, "OperationError", "out of memory")                                        \
    X(INVALID_STATE, 2, "InvalidStateError", "not allowed in the object's present state")     \
    X(INVALID_ACCESS, 3, "InvalidAccessError", "not allowed for this object")                 \
    X(INVALID_MODIFICATION, 4, "InvalidModificationError", "this cannot be changed any more") \
    X(SYNTAX, 5, "SyntaxError", "malformed text")                                             \
    X(SDP_SYNTAX, 6, "OperationError", "malformed SDP (RTCError sdp-syntax-error)")           \
    X(TYPE, 7, "TypeError", "argument missing or of the wrong kind")                          \
    X(RANGE, 8, "RangeError", "argument out of range")                                        \
    X(NOT_SUPPORTED, 9, "NotSupportedError", "not supported")                                 \
    X(OPERATION, 10, "OperationError", "the operation failed")                                \
    X(AGAIN, 11, "OperationError", "would wait: try again after the next writable event")     \
    X(SYSTEM, 12, "OperationError", "a call to the operating system failed")

typedef enum kith_err {
    KITH_OK = 0,
#define KITH_ERR_ENUM(name, number, exception, text) KITH_ERR_##name = number,
    KITH_ERR_LIST(KITH_ERR_ENUM)
#undef KITH_ERR_ENUM
} kith_err;

/* "INVALID_STATE"; "OK" for success. */
KITH_API const char *kith_err_name(kith_err err);
/* One clause in words. */
KITH_API const char *kith_err_text(kith_err err);
/* The DOMException or error name that a browser would throw. */
KITH_API const char *kith_err_exception(kith_err err);

/* RTCErrorDetailType, webrtc-pc section 11. */
typedef enum kith_error_detail {
    KITH_ERROR_DETAIL_NONE,
    KITH_ERROR_DETAIL_SDP_SYNTAX_ERROR,
    KITH_ERROR_DETAIL_DATA_CHANNEL_FAILURE,
    KITH_ERROR_DETAIL_DTLS_FAILURE,
    KITH_ERROR_DETAIL_FINGERPRINT_FAILURE,
    KITH_ERROR_DETAIL_SCTP_FAILURE,
} kith_error_detail;

/* Why something failed, in the shape of RTCError. Numbers that do not apply are -1. */
typedef struct kith_error {
    kith_err err;
    kith_error_detail error_detail;
    /* counted from 1 */
    int sdp_line_number;
    /* RFC 9260 section 3.3.10; 0: the peer aborted without a cause */
    int sctp_cause_code;
    /* TLS AlertDescription */
    int received_alert;
    /* TLS AlertDescription */
    int sent_alert;
    /* errno of the call that failed */
    int system_errno;
    /* one sentence, NUL-terminated */
    char message[256];
} kith_error;

/* Details of the last call that failed in this thread; valid until the next failing call in it.
 * Never NULL. */
KITH_API const kith_error *kith_last_error(void);
/* Has kith_last_error say this, one sentence, and returns err: for libraries on top of kith. */
KITH_API kith_err kith_set_last_error(kith_err err, const char *message);

/* ---- time ---- */

/* Microseconds of one monotonic clock, the same clock for the whole process. */
typedef int64_t kith_time;

#define KITH_NEVER      INT64_MAX
#define KITH_MS(n)      ((kith_time)(n)*1000)
#define KITH_SECONDS(n) ((kith_time)(n)*1000000)

/* ---- memory ---- */

/* Replaces malloc, realloc and free for everything kith itself allocates. Call before anything
 * else and once; `user` is handed to each function. alloc and resize may return NULL: every call
 * then fails with KITH_ERR_NO_MEMORY and changes nothing. OpenSSL and usrsctp keep their own
 * allocators. Never grows. */
typedef struct kith_allocator {
    void *(*alloc)(size_t size, void *user);
    void *(*resize)(void *memory, size_t size, void *user);
    void (*release)(void *memory, void *user);
    void *user;
} kith_allocator;

/* NULL restores the C library's. */
KITH_API void kith_set_allocator(const kith_allocator *allocator);

/* Releases what kith handed out as owned by the caller (texts of kith/json.h and such). NULL is
 * fine. */
KITH_API void kith_free(void *memory);

/* ---- log ---- */

typedef enum kith_log_level {
    KITH_LOG_NONE,
    KITH_LOG_ERROR,
    KITH_LOG_WARNING,
    KITH_LOG_INFO,
    KITH_LOG_DEBUG,
} kith_log_level;

/* Called with one line, without newline and without secrets, from whichever thread runs the
 * peer. */
typedef void (*kith_log_sink)(kith_log_level level, const char *line, void *user);

/* Process-wide; set it before the first peer. `level` is the most verbose level wanted; sink NULL
 * ends logging. Lines are limited per peer so that no remote can flood the sink. */
KITH_API void kith_set_log_sink(kith_log_sink sink, kith_log_level level, void *user);

#ifdef __cplusplus
}
#endif
#endif

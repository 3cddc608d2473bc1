/* The thread's last error and the names of all errors. */
#include "../unit.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>

static void nothing_but_text_applies(const kith_error *e)
{
    ck_assert_int_eq(e->error_detail, KITH_ERROR_DETAIL_NONE);
    ck_assert_int_eq(e->sdp_line_number, -1);
    ck_assert_int_eq(e->sctp_cause_code, -1);
    ck_assert_int_eq(e->received_alert, -1);
    ck_assert_int_eq(e->sent_alert, -1);
    ck_assert_int_eq(e->system_errno, -1);
}

START_TEST(before_any_failure_there_is_an_empty_error)
{
    const kith_error *e = kith_last_error();
    ck_assert_int_eq(e->err, KITH_OK);
    ck_assert_str_eq(e->message, "");
    nothing_but_text_applies(e);
}
END_TEST

START_TEST(a_failure_is_recorded_with_its_sentence)
{
    ck_assert_int_eq(kith_fail(KITH_ERR_TYPE, "label of %d bytes", 70000), KITH_ERR_TYPE);
    ck_assert_int_eq(kith_last_error()->err, KITH_ERR_TYPE);
    ck_assert_str_eq(kith_last_error()->message, "label of 70000 bytes");
    nothing_but_text_applies(kith_last_error());
    ck_assert_int_eq(kith_fail_memory(), KITH_ERR_NO_MEMORY);
    ck_assert_int_eq(kith_last_error()->err, KITH_ERR_NO_MEMORY);
}
END_TEST

START_TEST(a_sentence_may_quote_the_one_before)
{
    kith_fail(KITH_ERR_SYNTAX, "no port");
    kith_fail(KITH_ERR_SYNTAX, "server 2: %s", kith_last_error()->message);
    ck_assert_str_eq(kith_last_error()->message, "server 2: no port");
}
END_TEST

START_TEST(a_long_sentence_is_cut)
{
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    kith_fail(KITH_ERR_RANGE, "%s", text);
    ck_assert_uint_eq(strlen(kith_last_error()->message), sizeof kith_last_error()->message - 1);
    kith_fail_system(EACCES, "%s", text);
    ck_assert_uint_eq(strlen(kith_last_error()->message), sizeof kith_last_error()->message - 1);
}
END_TEST

START_TEST(a_system_failure_keeps_errno_and_its_text)
{
    ck_assert_int_eq(kith_fail_system(EADDRINUSE, "bind %s", "port 1"), KITH_ERR_SYSTEM);
    ck_assert_int_eq(kith_last_error()->system_errno, EADDRINUSE);
    ck_assert_str_eq(kith_last_error()->message, "bind port 1: Address already in use");
}
END_TEST

START_TEST(an_sdp_failure_keeps_the_line)
{
    ck_assert_int_eq(kith_fail_sdp(7, "no %s", "mid"), KITH_ERR_SDP_SYNTAX);
    ck_assert_int_eq(kith_last_error()->sdp_line_number, 7);
    ck_assert_int_eq(kith_last_error()->error_detail, KITH_ERROR_DETAIL_SDP_SYNTAX_ERROR);
    ck_assert_str_eq(kith_last_error()->message, "no mid");
    kith_fail(KITH_ERR_TYPE, "next");
    nothing_but_text_applies(kith_last_error());
}
END_TEST

START_TEST(a_whole_error_can_be_recorded)
{
    kith_error e;
    kith_error_init(&e, KITH_ERR_OPERATION, "alert %d", 40);
    nothing_but_text_applies(&e);
    e.error_detail = KITH_ERROR_DETAIL_DTLS_FAILURE;
    e.received_alert = 40;
    ck_assert_int_eq(kith_fail_with(&e), KITH_ERR_OPERATION);
    ck_assert_mem_eq(kith_last_error(), &e, sizeof e);
    ck_assert_int_eq(kith_fail_with(kith_last_error()), KITH_ERR_OPERATION);
}
END_TEST

START_TEST(every_error_has_its_names)
{
    ck_assert_str_eq(kith_err_name(KITH_OK), "OK");
    ck_assert_str_eq(kith_err_name(KITH_ERR_INVALID_STATE), "INVALID_STATE");
    ck_assert_str_eq(kith_err_exception(KITH_ERR_INVALID_STATE), "InvalidStateError");
    ck_assert_str_eq(kith_err_text(KITH_ERR_NO_MEMORY), "out of memory");
#define NAMED(name, number, exception, text)                 \
    ck_assert_int_eq(KITH_ERR_##name, number);               \
    ck_assert_str_eq(kith_err_name(KITH_ERR_##name), #name); \
    ck_assert_str_eq(kith_err_exception(KITH_ERR_##name), exception);
    KITH_ERR_LIST(NAMED)
    ck_assert_str_eq(kith_err_name((kith_err)999), "UNKNOWN");
    ck_assert_str_eq(kith_err_text((kith_err)-1), "unknown error");
}
END_TEST

UNIT_MAIN("base: error", before_any_failure_there_is_an_empty_error,
          a_failure_is_recorded_with_its_sentence, a_sentence_may_quote_the_one_before,
          a_long_sentence_is_cut, a_system_failure_keeps_errno_and_its_text,
          an_sdp_failure_keeps_the_line, a_whole_error_can_be_recorded, every_error_has_its_names)

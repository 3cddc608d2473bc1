/* Spans: comparing, cutting and numbers at the edges of their range. */
#include "../unit.h"
#include "base/span.h"

#define T(text) kith_span_text(text)

START_TEST(text_becomes_a_span_without_its_nul)
{
    ck_assert_uint_eq(T("abc").len, 3);
    ck_assert_uint_eq(T(NULL).len, 0);
    ck_assert(kith_span_is(kith_span_of("abcdef", 3), "abc"));
}
END_TEST

START_TEST(spans_are_equal_byte_by_byte)
{
    ck_assert(kith_span_equal(T("a"), T("a")));
    ck_assert(!kith_span_equal(T("a"), T("b")));
    ck_assert(!kith_span_equal(T("a"), T("aa")));
    ck_assert(kith_span_equal(T(""), T(NULL)));
    ck_assert(!kith_span_is(T("A"), "a"));
}
END_TEST

START_TEST(case_is_ignored_for_ascii_letters_only)
{
    ck_assert(kith_span_is_nocase(T("SHA-256z"), "sha-256Z"));
    ck_assert(!kith_span_is_nocase(T("sha-256"), "sha-25"));
    ck_assert(
        !kith_span_is_nocase(T("["), "{")); /* they differ in the bit that letters' cases do */
    ck_assert(!kith_span_is_nocase(T("@"), "`"));
}
END_TEST

START_TEST(a_prefix_is_found_at_the_start_only)
{
    ck_assert(kith_span_starts(T("a=ice"), "a="));
    ck_assert(kith_span_starts(T("a"), ""));
    ck_assert(kith_span_starts(T(NULL), ""));
    ck_assert(!kith_span_starts(T("a"), "a="));
    ck_assert(!kith_span_starts(T("ba="), "a="));
}
END_TEST

START_TEST(cut_takes_fields_off_the_front)
{
    kith_span rest = T("a:bc::d");
    ck_assert(kith_span_is(kith_span_cut(&rest, ':'), "a"));
    ck_assert(kith_span_is(kith_span_cut(&rest, ':'), "bc"));
    ck_assert(kith_span_is(kith_span_cut(&rest, ':'), ""));
    ck_assert(kith_span_is(rest, "d"));
    ck_assert(kith_span_is(kith_span_cut(&rest, ':'), "d"));
    ck_assert_uint_eq(rest.len, 0);
    kith_span nothing = T(NULL);
    ck_assert_uint_eq(kith_span_cut(&nothing, ':').len, 0);
}
END_TEST

START_TEST(words_are_split_on_blanks)
{
    kith_span rest = T("  trickle\tice2  renomination ");
    ck_assert(kith_span_is(kith_span_word(&rest), "trickle"));
    ck_assert(kith_span_is(kith_span_word(&rest), "ice2"));
    ck_assert(kith_span_is(kith_span_word(&rest), "renomination"));
    ck_assert_uint_eq(kith_span_word(&rest).len, 0);
    ck_assert_uint_eq(rest.len, 0);
    kith_span nothing = T(NULL);
    ck_assert_uint_eq(kith_span_word(&nothing).len, 0);
}
END_TEST

START_TEST(trim_drops_the_blanks_at_both_ends)
{
    ck_assert(kith_span_is(kith_span_trim(T(" \ta b\t ")), "a b"));
    ck_assert(kith_span_is(kith_span_trim(T(" \t ")), ""));
    ck_assert(kith_span_is(kith_span_trim(T(NULL)), ""));
}
END_TEST

START_TEST(a_number_fills_the_whole_span)
{
    uint64_t n = 7;
    ck_assert(kith_span_u64(T("0"), 0, &n));
    ck_assert_uint_eq(n, 0);
    ck_assert(kith_span_u64(T("0065535"), 65535, &n));
    ck_assert_uint_eq(n, 65535);
    const char *wrong[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1.0", "12a"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!kith_span_u64(T(wrong[i]), UINT64_MAX, &n), "%s", wrong[i]);
    ck_assert_uint_eq(n, 65535);
}
END_TEST

START_TEST(hexadecimal_digits_are_of_either_case)
{
    const char *digits = "0123456789abcdefABCDEF";
    for (int i = 0; digits[i] != '\0'; i++)
        ck_assert_int_eq(kith_span_hex_digit((uint8_t)digits[i]), i < 16 ? i : i - 6);
    const char *others = "/:@G`g ";
    for (int i = 0; others[i] != '\0'; i++)
        ck_assert_int_eq(kith_span_hex_digit((uint8_t)others[i]), -1);
}
END_TEST

/* RFC 3629 section 4. */
START_TEST(a_character_of_utf8_is_as_long_as_it_says)
{
    const char *good[] = {"a",
                          "\x7f",
                          "\xc2\x80",
                          "\xdf\xbf",
                          "\xe0\xa0\x80",
                          "\xed\x9f\xbf",
                          "\xef\xbf\xbf",
                          "\xf0\x90\x80\x80",
                          "\xf4\x8f\xbf\xbf"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert_uint_eq(kith_span_utf8(kith_span_text(good[i])), strlen(good[i]));
    const char *bad[] = {"\x80",
                         "\xc1\xbf",
                         "\xc2",
                         "\xc2\x61",
                         "\xe0\x9f\xbf",
                         "\xed\xa0\x80",
                         "\xf0\x8f\xbf\xbf",
                         "\xf4\x90\x80\x80",
                         "\xf5\x80\x80\x80",
                         "\xe2\x82"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_uint_eq(kith_span_utf8(kith_span_text(bad[i])), 0);
}
END_TEST

START_TEST(a_number_above_the_limit_is_refused)
{
    uint64_t n;
    ck_assert(!kith_span_u64(T("65536"), 65535, &n));
    ck_assert(!kith_span_u64(T("5"), 4, &n));
    ck_assert(kith_span_u64(T("18446744073709551615"), UINT64_MAX, &n));
    ck_assert(n == UINT64_MAX);
    ck_assert(!kith_span_u64(T("18446744073709551616"), UINT64_MAX, &n));
    ck_assert(!kith_span_u64(T("4294967296111111111111"), UINT64_MAX, &n));
}
END_TEST

UNIT_MAIN("base: span", text_becomes_a_span_without_its_nul, spans_are_equal_byte_by_byte,
          case_is_ignored_for_ascii_letters_only, a_prefix_is_found_at_the_start_only,
          cut_takes_fields_off_the_front, words_are_split_on_blanks,
          trim_drops_the_blanks_at_both_ends, a_number_fills_the_whole_span,
          a_number_above_the_limit_is_refused, hexadecimal_digits_are_of_either_case,
          a_character_of_utf8_is_as_long_as_it_says)

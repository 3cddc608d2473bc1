/* JSON values as JSON.stringify writes them: the expected texts were made by a browser. */
#include "../unit.h"

#include "json/write.h"

static const char *string(const char *bytes, size_t len)
{
    static char buf[256];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_json_write_string(&w, kith_span_of(bytes, len));
    kith_wr_u8(&w, 0);
    ck_assert(!w.bad);
    return buf;
}

static const char *number(double value)
{
    static char buf[64];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_json_write_number(&w, value);
    kith_wr_u8(&w, 0);
    return buf;
}

#define STRING(literal) string(literal, sizeof literal - 1)

START_TEST(strings_are_quoted_and_escaped_as_ecma_262_says)
{
    ck_assert_str_eq(STRING(""), "\"\"");
    ck_assert_str_eq(STRING("a/b"), "\"a/b\"");
    ck_assert_str_eq(STRING("say \"x\" \\ y"), "\"say \\\"x\\\" \\\\ y\"");
    ck_assert_str_eq(STRING("\r\n\t\b\f"), "\"\\r\\n\\t\\b\\f\"");
    ck_assert_str_eq(STRING("\0\x1f\x7f"), "\"\\u0000\\u001f\x7f\"");
}
END_TEST

START_TEST(utf_8_passes_as_it_is)
{
    ck_assert_str_eq(STRING("Grüße, 世界 🙂"), "\"Grüße, 世界 🙂\"");
}
END_TEST

START_TEST(what_is_no_utf_8_becomes_a_replacement_character)
{
    ck_assert_str_eq(STRING("\xff"), "\"\xef\xbf\xbd\"");
    ck_assert_str_eq(STRING("a\xc3"), "\"a\xef\xbf\xbd\"");               /* cut off */
    ck_assert_str_eq(STRING("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\""); /* overlong */
    ck_assert_str_eq(STRING("\xed\xa0\x80"),
                     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* a surrogate */
    ck_assert_str_eq(STRING("\xf4\x90\x80\x80z"),
                     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\""); /* beyond U+10FFFF */
}
END_TEST

START_TEST(numbers_have_the_fewest_digits_that_read_back_the_same)
{
    ck_assert_str_eq(number(0), "0");
    ck_assert_str_eq(number(0.1), "0.1");
    ck_assert_str_eq(number(0.1 + 0.2), "0.30000000000000004");
    ck_assert_str_eq(number(1763825000123.456), "1763825000123.456");
    ck_assert_str_eq(number(-2.5), "-2.5");
}
END_TEST

START_TEST(numbers_that_json_cannot_say_are_null)
{
    ck_assert_str_eq(number(1e308 * 10), "null");
}
END_TEST

START_TEST(members_are_separated_by_commas)
{
    char buf[64];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_wr_u8(&w, '{');
    kith_json_write_member(&w, "a", "b");
    kith_json_write_member(&w, "c", NULL);
    kith_wr_text(&w, "}");
    kith_wr_u8(&w, 0);
    ck_assert_str_eq(buf, "{\"a\":\"b\",\"c\":null}");
}
END_TEST

UNIT_MAIN("json: write", strings_are_quoted_and_escaped_as_ecma_262_says, utf_8_passes_as_it_is,
          what_is_no_utf_8_becomes_a_replacement_character,
          numbers_have_the_fewest_digits_that_read_back_the_same,
          numbers_that_json_cannot_say_are_null, members_are_separated_by_commas)

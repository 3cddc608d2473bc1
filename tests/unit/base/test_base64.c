/* The vectors of RFC 4648 section 10. */
#include "../unit.h"
#include "base/base64.h"

START_TEST(bytes_are_written_as_the_rfc_has_them)
{
    static const struct {
        const char *bytes, *text;
    } vectors[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char text[16] = {0};
        kith_span bytes = kith_span_text(vectors[i].bytes);
        kith_base64_write(text, bytes);
        ck_assert_str_eq(text, vectors[i].text);
        ck_assert_uint_eq(KITH_BASE64_LEN(bytes.len), strlen(text));
    }
}
END_TEST

START_TEST(only_characters_of_the_alphabet_have_a_value)
{
    static const char some[] = "AZaz09+/";
    static const int values[] = {0, 25, 26, 51, 52, 61, 62, 63};
    int count = 0;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        ck_assert_int_eq(kith_base64_value((uint8_t)some[i]), values[i]);
    for (unsigned c = 0; c < 256; c++)
        count += kith_base64_value((uint8_t)c) >= 0;
    ck_assert_int_eq(count, 64);
}
END_TEST

UNIT_MAIN("base: base64", bytes_are_written_as_the_rfc_has_them,
          only_characters_of_the_alphabet_have_a_value)

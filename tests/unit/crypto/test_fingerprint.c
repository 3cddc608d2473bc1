/* Fingerprints: every prefix, every wrong character, every flipped digit. */
#include "../unit.h"
#include "crypto/certificate.h"

#include <string.h>

#define T(text) kith_span_text(text)
/* SHA-1 of "abc" */
#define ABC "A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D"

START_TEST(a_fingerprint_is_the_hash_in_upper_case)
{
    kith_fingerprint fp;
    char text[KITH_FINGERPRINT_TEXT];
    ck_assert(kith_fingerprint_of(&fp, KITH_HASH_SHA1, T("abc")));
    ck_assert_str_eq(kith_fingerprint_format(&fp, text), ABC);
    ck_assert(kith_fingerprint_of(&fp, KITH_HASH_SHA512, T("abc")));
    ck_assert_uint_eq(strlen(kith_fingerprint_format(&fp, text)), 3 * 64 - 1);
}
END_TEST

START_TEST(either_case_is_read)
{
    kith_fingerprint fp, upper, lower;
    ck_assert(kith_fingerprint_of(&fp, KITH_HASH_SHA1, T("abc")));
    ck_assert(kith_fingerprint_parse(&upper, T("SHA-1"), T(ABC)));
    ck_assert(kith_fingerprint_parse(
        &lower, T("sha-1"), T("a9:99:3e:36:47:06:81:6a:ba:3e:25:71:78:50:c2:6c:9c:d0:d8:9d")));
    ck_assert(kith_fingerprint_equal(&fp, &upper));
    ck_assert(kith_fingerprint_equal(&fp, &lower));
    ck_assert_mem_eq(&fp, &upper, sizeof fp);
}
END_TEST

START_TEST(every_prefix_is_refused)
{
    kith_fingerprint fp;
    for (size_t len = 0; len < sizeof ABC - 1; len++) {
        char *exact = malloc(len + 1);
        memcpy(exact, ABC, len);
        ck_assert(!kith_fingerprint_parse(&fp, T("sha-1"), kith_span_of(exact, len)));
        free(exact);
    }
    ck_assert(!kith_fingerprint_parse(&fp, T("sha-1"), T(ABC ":00")));
    ck_assert(!kith_fingerprint_parse(&fp, T("sha-1"), T(ABC " ")));
}
END_TEST

START_TEST(what_is_not_hexadecimal_is_refused)
{
    kith_fingerprint fp;
    char text[] = ABC;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        char before = text[i];
        text[i] = before == ':' ? '-' : 'G';
        ck_assert(!kith_fingerprint_parse(&fp, T("sha-1"), T(text)));
        text[i] = before;
    }
    ck_assert(kith_fingerprint_parse(&fp, T("sha-1"), T(text)));
}
END_TEST

START_TEST(md5_and_unknown_hashes_are_refused)
{
    kith_fingerprint fp;
    const char *md5 = "90:01:50:98:3C:D2:4F:B0:D6:96:3F:7D:28:E1:7F:72";
    ck_assert(!kith_fingerprint_parse(&fp, T("md5"), T(md5)));
    ck_assert(!kith_fingerprint_parse(&fp, T("md2"), T(md5)));
    ck_assert(!kith_fingerprint_parse(&fp, T(""), T(ABC)));
    ck_assert(!kith_fingerprint_parse(&fp, T("sha-256"), T(ABC)));
}
END_TEST

START_TEST(one_bit_makes_them_differ)
{
    kith_fingerprint a, b;
    ck_assert(kith_fingerprint_of(&a, KITH_HASH_SHA256, T("abc")));
    for (size_t i = 0; i < kith_hash_size(a.hash); i++) {
        b = a;
        b.digest[i] ^= 0x10;
        ck_assert(!kith_fingerprint_equal(&a, &b));
    }
    b = a;
    b.hash = KITH_HASH_SHA1;
    ck_assert(!kith_fingerprint_equal(&a, &b));
    kith_fingerprint none = {0};
    ck_assert(!kith_fingerprint_equal(&none, &none));
}
END_TEST

UNIT_MAIN("crypto: fingerprint", a_fingerprint_is_the_hash_in_upper_case, either_case_is_read,
          every_prefix_is_refused, what_is_not_hexadecimal_is_refused,
          md5_and_unknown_hashes_are_refused, one_bit_makes_them_differ)

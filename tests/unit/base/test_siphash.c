/* SipHash-1-3 against two independent programs. */
#include "../unit.h"
#include "base/siphash.h"

/* Key and message are 00 01 02 …, as in the paper's appendix. The paper's own values are those of
 * SipHash-2-4; these were computed by a program that reproduces them with other round counts. */
START_TEST(the_hash_is_siphash_1_3)
{
    static const struct {
        size_t len;
        uint64_t hash;
    } vectors[] = {
        {0, UINT64_C(0xabac0158050fc4dc)},  {1, UINT64_C(0xc9f49bf37d57ca93)},
        {7, UINT64_C(0xd3927d989bb11140)},  {8, UINT64_C(0x369095118d299a8e)},
        {9, UINT64_C(0x25a48eb36c063de4)},  {15, UINT64_C(0xd320d86d2a519956)},
        {16, UINT64_C(0xcc4fdd1a7d908b66)}, {63, UINT64_C(0x9d199062b7bbb3a8)},
    };
    static const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint8_t *message = malloc(vectors[i].len + 1);
        for (size_t j = 0; j < vectors[i].len; j++)
            message[j] = (uint8_t)j;
        ck_assert(kith_siphash(key, kith_span_of(message, vectors[i].len)) == vectors[i].hash);
        free(message);
    }
}
END_TEST

/* hash(bytes(range(15))) of a CPython 3.11 that was started with PYTHONHASHSEED=0. */
START_TEST(the_hash_is_what_python_says)
{
    static const uint64_t key[2] = {0, 0};
    static const uint8_t message[15] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    ck_assert(kith_siphash(key, kith_span_of(message, 15)) == UINT64_C(0xf30eb725bb91c9ea));
}
END_TEST

START_TEST(another_key_gives_another_hash)
{
    static const uint64_t one[2] = {1, 2}, other[2] = {1, 3};
    ck_assert(kith_siphash(one, kith_span_text("ufrag")) !=
              kith_siphash(other, kith_span_text("ufrag")));
    ck_assert(kith_siphash(one, kith_span_text(NULL)) == kith_siphash(one, kith_span_text("")));
}
END_TEST

UNIT_MAIN("base: siphash", the_hash_is_siphash_1_3, the_hash_is_what_python_says,
          another_key_gives_another_hash)

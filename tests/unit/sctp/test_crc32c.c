#include "sctp/crc32c.h"

#include <string.h>

#include "unit.h"

START_TEST(crc32c_gives_the_vectors_of_rfc_3720)
{
    kith_crc32c_init();
    /* RFC 3720 appendix B.4 */
    uint8_t data[32];
    memset(data, 0, sizeof data);
    ck_assert_uint_eq(kith_crc32c(data, 32), 0x8A9136AAu);
    memset(data, 0xFF, sizeof data);
    ck_assert_uint_eq(kith_crc32c(data, 32), 0x62A8AB43u);
    for (uint8_t i = 0; i < 32; i++)
        data[i] = i;
    ck_assert_uint_eq(kith_crc32c(data, 32), 0x46DD794Eu);
    for (uint8_t i = 0; i < 32; i++)
        data[i] = (uint8_t)(31 - i);
    ck_assert_uint_eq(kith_crc32c(data, 32), 0x113FDB5Cu);
    ck_assert_uint_eq(kith_crc32c("123456789", 9), 0xE3069283u);
    ck_assert_uint_eq(kith_crc32c("", 0), 0);
}
END_TEST

START_TEST(crc32c_is_the_same_by_instruction_and_by_tables_for_every_length)
{
    kith_crc32c_init();
    static uint8_t data[4096 + 8];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 131 + (i >> 8) * 7);
    for (size_t len = 0; len <= 4096; len++)
        ck_assert_uint_eq(kith_crc32c(data + len % 8, len),
                          kith_crc32c_portable(data + len % 8, len));
}
END_TEST

START_TEST(crc32c_of_tables_is_the_bitwise_definition)
{
    kith_crc32c_init();
    uint8_t data[100];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 37);
    uint32_t sum = 0xFFFFFFFFu;
    for (size_t i = 0; i < sizeof data; i++) {
        sum ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            sum = (sum & 1) != 0 ? sum >> 1 ^ 0x82F63B78u : sum >> 1;
    }
    ck_assert_uint_eq(kith_crc32c_portable(data, sizeof data), ~sum);
}
END_TEST

UNIT_MAIN("sctp: crc32c", crc32c_gives_the_vectors_of_rfc_3720,
          crc32c_is_the_same_by_instruction_and_by_tables_for_every_length,
          crc32c_of_tables_is_the_bitwise_definition)

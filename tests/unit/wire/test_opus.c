/* RFC 6716 table 2 and section 3.2. */
#include "../unit.h"
#include "wire/opus.h"

START_TEST(a_packet_is_as_long_as_its_first_bytes_say)
{
    static const struct {
        uint8_t bytes[2];
        size_t len;
        uint32_t samples;
    } cases[] = {
        /* SILK: 10, 20, 40, 60 ms */
        {{0 << 3}, 1, 480},
        {{1 << 3}, 1, 960},
        {{2 << 3}, 1, 1920},
        {{11 << 3}, 1, 2880},
        /* hybrid: 10, 20 */
        {{12 << 3}, 1, 480},
        {{15 << 3}, 1, 960},
        /* CELT: 2.5, 5, 10, 20 */
        {{16 << 3}, 1, 120},
        {{17 << 3}, 1, 240},
        {{30 << 3}, 1, 480},
        {{31 << 3}, 1, 960},
        /* two frames, of one size or two */
        {{31 << 3 | 1}, 1, 1920},
        {{31 << 3 | 2}, 1, 1920},
        /* any number */
        {{31 << 3 | 3, 6}, 2, 5760},
        {{16 << 3 | 3, 48 | 0x80}, 2, 5760},
        /* none, more than 120 ms, no byte that says how many, no byte at all */
        {{31 << 3 | 3, 0}, 2, 0},
        {{31 << 3 | 3, 7}, 2, 0},
        {{31 << 3 | 3}, 1, 0},
        {{0}, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(kith_opus_samples(kith_span_of(cases[i].bytes, cases[i].len)) ==
                          cases[i].samples,
                      "case %zu", i);
}
END_TEST

UNIT_MAIN("wire: Opus", a_packet_is_as_long_as_its_first_bytes_say)

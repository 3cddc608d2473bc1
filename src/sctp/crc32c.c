/* The instruction of SSE4.2 or ARMv8 takes 3 cycles but a new one can start in each, so a block is
 * cut into three lanes that run side by side; a table moves each lane's sum over the bytes of the
 * lanes behind it. Everywhere else: eight tables, eight bytes a step. */
#include "sctp/crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

/* The Castagnoli polynomial, reflected. */
#define POLYNOMIAL 0x82F63B78u

/* Three lanes of 384 bytes are most of a full packet; three of 64 most of what remains. */
#define LONG_LANE  384
#define SHORT_LANE 64

static uint32_t tables[8][256];
/* What a sum becomes when LANE zero bytes follow, by each of its four bytes. */
static uint32_t over_long[4][256], over_short[4][256];
static bool has_instruction;

static uint32_t feed_zeros(uint32_t sum, size_t count)
{
    while (count-- > 0)
        sum = tables[0][sum & 0xff] ^ sum >> 8;
    return sum;
}

static void init_shift(uint32_t (*shift)[256], size_t lane)
{
    for (unsigned byte = 0; byte < 4; byte++)
        for (uint32_t value = 0; value < 256; value++)
            shift[byte][value] = feed_zeros(value << 8 * byte, lane);
}

void kith_crc32c_init(void)
{
    for (uint32_t value = 0; value < 256; value++) {
        uint32_t sum = value;
        for (int bit = 0; bit < 8; bit++)
            sum = (sum & 1) != 0 ? sum >> 1 ^ POLYNOMIAL : sum >> 1;
        tables[0][value] = sum;
    }
    for (uint32_t value = 0; value < 256; value++)
        for (int i = 1; i < 8; i++)
            tables[i][value] = tables[0][tables[i - 1][value] & 0xff] ^ tables[i - 1][value] >> 8;
    init_shift(over_long, LONG_LANE);
    init_shift(over_short, SHORT_LANE);
#if defined(__x86_64__)
    has_instruction = __builtin_cpu_supports("sse4.2");
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
    has_instruction = true;
#endif
}

static uint64_t load(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static uint32_t portable(uint32_t sum, const uint8_t *at, size_t len)
{
    for (; len >= 8; at += 8, len -= 8) {
        uint64_t word = load(at) ^ sum;
        sum = tables[7][word & 0xff] ^ tables[6][word >> 8 & 0xff] ^ tables[5][word >> 16 & 0xff] ^
              tables[4][word >> 24 & 0xff] ^ tables[3][word >> 32 & 0xff] ^
              tables[2][word >> 40 & 0xff] ^ tables[1][word >> 48 & 0xff] ^ tables[0][word >> 56];
    }
    for (; len > 0; at++, len--)
        sum = tables[0][(sum ^ *at) & 0xff] ^ sum >> 8;
    return sum;
}

#if defined(__x86_64__)
#define WITH_INSTRUCTION  __attribute__((target("sse4.2")))
#define STEP_WORD(sum, w) ((uint32_t)_mm_crc32_u64((sum), (w)))
#define STEP_BYTE(sum, b) _mm_crc32_u8((sum), (b))
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#define WITH_INSTRUCTION
#define STEP_WORD(sum, w) __crc32cd((sum), (w))
#define STEP_BYTE(sum, b) __crc32cb((sum), (b))
#endif

#ifdef WITH_INSTRUCTION
static uint32_t move_over(uint32_t (*shift)[256], uint32_t sum)
{
    return shift[0][sum & 0xff] ^ shift[1][sum >> 8 & 0xff] ^ shift[2][sum >> 16 & 0xff] ^
           shift[3][sum >> 24];
}

WITH_INSTRUCTION static uint32_t three_lanes(uint32_t sum, const uint8_t *at, size_t lane,
                                             uint32_t (*shift)[256])
{
    uint32_t second = 0, third = 0;
    for (size_t i = 0; i < lane; i += 8) {
        sum = STEP_WORD(sum, load(at + i));
        second = STEP_WORD(second, load(at + lane + i));
        third = STEP_WORD(third, load(at + 2 * lane + i));
    }
    return move_over(shift, move_over(shift, sum) ^ second) ^ third;
}

WITH_INSTRUCTION static uint32_t by_instruction(uint32_t sum, const uint8_t *at, size_t len)
{
    for (; len >= 3 * LONG_LANE; at += 3 * LONG_LANE, len -= 3 * LONG_LANE)
        sum = three_lanes(sum, at, LONG_LANE, over_long);
    for (; len >= 3 * SHORT_LANE; at += 3 * SHORT_LANE, len -= 3 * SHORT_LANE)
        sum = three_lanes(sum, at, SHORT_LANE, over_short);
    for (; len >= 8; at += 8, len -= 8)
        sum = STEP_WORD(sum, load(at));
    for (; len > 0; at++, len--)
        sum = STEP_BYTE(sum, *at);
    return sum;
}
#endif

uint32_t kith_crc32c(const void *data, size_t len)
{
#ifdef WITH_INSTRUCTION
    if (has_instruction)
        return ~by_instruction(0xFFFFFFFFu, data, len);
#endif
    return ~portable(0xFFFFFFFFu, data, len);
}

uint32_t kith_crc32c_portable(const void *data, size_t len)
{
    return ~portable(0xFFFFFFFFu, data, len);
}

/* The pool of random bytes, under a generator that counts. */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD: the only seam for a seeded generator */
#include "../unit.h"
#include "crypto/random.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/rand.h>

static unsigned char next_byte;
static int calls;

static int count_up(unsigned char *buf, int num)
{
    calls++;
    for (int i = 0; i < num; i++)
        buf[i] = next_byte++;
    return 1;
}

static int ready(void)
{
    return 1;
}

static RAND_METHOD counting = {.bytes = count_up, .pseudorand = count_up, .status = ready};

static void install(void)
{
    RAND_set_rand_method(&counting);
    kith_random_forget();
    next_byte = 0;
    calls = 0;
}

static void restore(void)
{
    RAND_set_rand_method(NULL);
    kith_random_forget();
}

START_TEST(bytes_are_drawn_in_bulk)
{
    install();
    for (int i = 0; i < 32; i++) {
        uint8_t id[12];
        kith_random_bytes(id, sizeof id);
        ck_assert_uint_eq(id[0], (uint8_t)(12 * i));
        ck_assert_uint_eq(id[11], (uint8_t)(12 * i + 11));
    }
    ck_assert_int_eq(calls, 1);
    restore();
}
END_TEST

START_TEST(no_byte_is_handed_out_twice)
{
    install();
    uint8_t last = 255;
    for (size_t len = 0; len < 128; len++) {
        uint8_t bytes[128];
        kith_random_bytes(bytes, len);
        for (size_t i = 1; i < len; i++)
            ck_assert_uint_eq(bytes[i], (uint8_t)(bytes[i - 1] + 1));
        ck_assert(len == 0 || bytes[0] != last);
        last = len > 0 ? bytes[len - 1] : last;
    }
    restore();
}
END_TEST

START_TEST(a_forgotten_pool_is_drawn_anew)
{
    install();
    ck_assert(kith_random_u32() == kith_random_u32() - UINT32_C(0x04040404));
    uint32_t first = kith_random_u32();
    kith_random_forget();
    next_byte = 8;
    ck_assert_uint_eq(kith_random_u32(), first);
    ck_assert_int_eq(calls, 2);
    restore();
}
END_TEST

START_TEST(a_large_request_is_filled_to_the_end)
{
    install();
    uint8_t bytes[5000];
    memset(bytes, 0xee, sizeof bytes);
    kith_random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        ck_assert_uint_eq(bytes[i], (uint8_t)i);
    restore();
}
END_TEST

START_TEST(a_forked_child_has_numbers_of_its_own)
{
    uint64_t child = 0;
    int pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    kith_random_u64(); /* fills the pool that the child inherits */
    pid_t pid = fork();
    if (pid == 0) {
        uint64_t drawn = kith_random_u64();
        _exit(write(pipes[1], &drawn, sizeof drawn) == sizeof drawn ? 0 : 1);
    }
    ck_assert_int_eq(read(pipes[0], &child, sizeof child), sizeof child);
    ck_assert(child != kith_random_u64());
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    close(pipes[0]);
    close(pipes[1]);
}
END_TEST

START_TEST(numbers_below_a_bound_reach_all_of_them)
{
    int seen[6] = {0};
    for (int i = 0; i < 6000; i++) {
        uint32_t value = kith_random_below(6);
        ck_assert_uint_lt(value, 6);
        seen[value]++;
    }
    for (int i = 0; i < 6; i++)
        ck_assert_int_gt(seen[i], 700); /* 1000 expected; this is ten standard deviations away */
    ck_assert_uint_eq(kith_random_below(1), 0);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_lt(kith_random_below(0x80000001), 0x80000001);
}
END_TEST

START_TEST(what_would_make_low_numbers_likelier_is_redrawn)
{
    install();
    next_byte = 0;
    uint8_t four[4];
    kith_random_bytes(four,
                      4); /* 00 01 02 03; the next, 04050607 or 07060504, is below the surplus */
    ck_assert_uint_lt(kith_random_below(0x80000001), 0x80000001); /* surplus: 7fffffff */
    ck_assert_int_eq(calls, 1);
    uint8_t next;
    kith_random_bytes(&next, 1);
    ck_assert_uint_gt(next, 0x7f); /* all words up to there were redrawn */
    restore();
}
END_TEST

START_TEST(text_is_of_ice_chars)
{
    char text[257];
    bool seen[128] = {false};
    for (int round = 0; round < 50; round++) {
        memset(text, '!', sizeof text);
        kith_random_text(text, 256);
        ck_assert_uint_eq(strlen(text), 256);
        for (int i = 0; i < 256; i++)
            seen[(unsigned char)text[i]] = true;
    }
    for (int c = 0; c < 128; c++) {
        bool is_ice_char = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                           (c >= 'a' && c <= 'z') || c == '+' || c == '/';
        ck_assert_uint_eq(seen[c], is_ice_char);
    }
    kith_random_text(text, 0);
    ck_assert_str_eq(text, "");
}
END_TEST

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Of a million that were each drawn for itself 116 would be there already. */
START_TEST(an_order_has_each_number_once)
{
    enum { COUNT = 1000000 };
    uint32_t *drawn = malloc(COUNT * sizeof *drawn);
    ck_assert_ptr_nonnull(drawn);
    kith_random_order order;
    install();
    kith_random_order_init(&order);
    for (size_t i = 0; i < COUNT; i++)
        drawn[i] = kith_random_order_next(&order);
    qsort(drawn, COUNT, sizeof *drawn, compare);
    for (size_t i = 1; i < COUNT; i++)
        ck_assert_uint_ne(drawn[i], drawn[i - 1]);
    free(drawn);
    restore();
}
END_TEST

/* Each bit is set in half of them, by what it is in the last too; and no two orders are one. Six
 * deviations of 20000 coins are 424. */
START_TEST(an_order_is_random)
{
    enum { COUNT = 20000 };
    kith_random_order order, other;
    unsigned set[32] = {0}, turned[32] = {0}, same = 0;
    uint32_t last = 0;
    install();
    kith_random_order_init(&order);
    kith_random_order_init(&other);
    for (size_t i = 0; i < COUNT; i++) {
        uint32_t number = kith_random_order_next(&order);
        same += number == kith_random_order_next(&other);
        for (int bit = 0; bit < 32; bit++) {
            set[bit] += number >> bit & 1;
            turned[bit] += (number ^ last) >> bit & 1;
        }
        last = number;
    }
    for (int bit = 0; bit < 32; bit++) {
        ck_assert_uint_lt(set[bit], COUNT / 2 + 424);
        ck_assert_uint_gt(set[bit], COUNT / 2 - 424);
        ck_assert_uint_lt(turned[bit], COUNT / 2 + 424);
        ck_assert_uint_gt(turned[bit], COUNT / 2 - 424);
    }
    ck_assert_uint_le(same, 1);
    restore();
}
END_TEST

UNIT_MAIN("crypto: random", bytes_are_drawn_in_bulk, no_byte_is_handed_out_twice,
          a_forgotten_pool_is_drawn_anew, a_large_request_is_filled_to_the_end,
          a_forked_child_has_numbers_of_its_own, numbers_below_a_bound_reach_all_of_them,
          what_would_make_low_numbers_likelier_is_redrawn, text_is_of_ice_chars,
          an_order_has_each_number_once, an_order_is_random)

/* What a session costs, that packets cost nothing, and that no memory is met with a drop or an
 * error. */
#include "kit.h"

#include "../../oom/oom.h"

static size_t held, allocations;

typedef struct block {
    _Alignas(max_align_t) size_t size;
} block;

static void *counting_alloc(size_t size, void *user)
{
    (void)user;
    block *b = malloc(sizeof *b + size);
    b->size = size;
    held += size;
    allocations++;
    return b + 1;
}

static void counting_release(void *memory, void *user)
{
    (void)user;
    block *b = memory ? (block *)memory - 1 : NULL;
    held -= b ? b->size : 0;
    free(b);
}

static void *counting_resize(void *memory, size_t size, void *user)
{
    block *old = memory ? (block *)memory - 1 : NULL;
    void *grown = counting_alloc(size, user);
    if (old) {
        memcpy(grown, memory, old->size < size ? old->size : size);
        counting_release(memory, user);
    }
    return grown;
}

static void count_memory(void)
{
    static const kith_allocator counting = {
        .alloc = counting_alloc, .resize = counting_resize, .release = counting_release};
    held = allocations = 0;
    kith_set_allocator(&counting);
}

/* OpenSSL's contexts are its own and not counted here. */
#define SESSION_BYTES 8192
#define SSRC_BYTES    640

START_TEST(an_ssrc_costs_less_than_640_bytes_each_way)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        count_memory();
        kit_new(&k, all_profiles[i]);
        ck_assert_uint_lt(held, 2 * SESSION_BYTES);
        size_t before = held;
        for (uint32_t ssrc = 0; ssrc < KITH_SRTP_MAX_SSRCS; ssrc++)
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, ssrc, 1)));
        ck_assert_uint_lt(held - before, KITH_SRTP_MAX_SSRCS * 2 * SSRC_BYTES);
        /* What a peer can fill is bounded: thousands more make it longer by the indices of 1024. */
        for (uint32_t ssrc = 0; ssrc < KITH_SRTP_MAX_SSRCS; ssrc++)
            kith_srtp_retire(k.side[ALICE], ssrc);
        for (uint32_t ssrc = 1000; ssrc < 4500; ssrc++) {
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, ssrc, 1)));
            kith_srtp_retire(k.side[ALICE], ssrc);
            before = ssrc == 1000 ? held : before;
        }
        ck_assert_uint_le(held - before, 1024 * sizeof(kith_srtp_reached) +
                                             4096 * sizeof(uint32_t) + sizeof(kith_srtp_stream));
        kit_free(&k);
        ck_assert_uint_eq(held, 0);
        kith_set_allocator(NULL);
    }
}
END_TEST

START_TEST(packets_cost_no_allocation)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        count_memory();
        kit_new(&k, all_profiles[i]);
        for (uint32_t round = 0; round < 3; round++) {
            size_t before = allocations;
            for (uint32_t n = 0; n < 3000; n++) {
                packet_bytes p = kit_sent(&k, ALICE, n % 8, (uint16_t)(round * 30000 + n * 10));
                packet_bytes forged = p, report = kit_rtcp(n % 8, 1);
                forged.bytes[14] ^= 1;
                ck_assert(!kit_takes(&k, BOB, forged));
                ck_assert(kit_takes(&k, BOB, p));
                ck_assert(!kit_takes(&k, BOB, p));
                ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &report), KITH_OK);
                ck_assert(kit_takes_rtcp(&k, BOB, report));
            }
            ck_assert(round == 0 || allocations == before);
        }
        kit_free(&k);
        kith_set_allocator(NULL);
    }
}
END_TEST

static kith_err new_side(kith_srtp_session **out, uint16_t profile, int side)
{
    kith_srtp_keys keys = kit_keys(profile);
    kith_srtp_config config = {.profile = profile, .keys = &keys, .is_client = side == ALICE};
    return kith_srtp_new(out, &config);
}

static kith_err send_to(kith_srtp_session *from, kith_srtp_session *to, uint32_t ssrc, uint16_t seq)
{
    packet_bytes p = kit_rtp(ssrc, seq, 50), report = kit_rtcp(ssrc, 1);
    kith_err err = kit_protect_rtcp(from, &report);
    ck_assert(err == KITH_OK || err == KITH_ERR_NO_MEMORY);
    if (err == KITH_OK)
        (void)kith_srtp_unprotect_rtcp(to, report.bytes, report.len);
    err = kit_protect(from, &p);
    ck_assert(err == KITH_OK || err == KITH_ERR_NO_MEMORY);
    if (err == KITH_OK)
        (void)kith_srtp_unprotect_rtp(to, p.bytes, p.len);
    return err;
}

/* New streams, a lost wrap, more SSRCs than there is room for. */
static void whole_life(void *arg)
{
    uint16_t profile = *(const uint16_t *)arg;
    kith_srtp_session *side[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        kith_err err = new_side(&side[i], profile, i);
        ck_assert(err == KITH_OK || err == KITH_ERR_NO_MEMORY);
    }
    if (side[ALICE] && side[BOB]) {
        packet_bytes lost = kit_rtp(1, 65535, 50);
        (void)!kith_srtp_own(side[BOB], 1);
        (void)!kit_protect(side[ALICE], &lost);
        for (uint16_t seq = 0; seq < 6; seq++)
            (void)send_to(side[ALICE], side[BOB], 1, seq);
        for (uint32_t ssrc = 2; ssrc < 6; ssrc++)
            (void)send_to(side[ALICE], side[BOB], ssrc, 1);
        kith_srtp_retire(side[ALICE], 2);
    }
    kith_srtp_free(side[ALICE]);
    kith_srtp_free(side[BOB]);
}

START_TEST(without_memory_a_call_fails_and_a_packet_is_dropped)
{
    for (size_t i = 0; i < PROFILES; i++) {
        uint16_t profile = all_profiles[i];
        whole_life(&profile); /* libsrtp2's tables are made */
        ck_assert_uint_gt(oom_sweep(whole_life, &profile), 10);
    }
}
END_TEST

/* A newcomer that no memory is there for leaves the others as they are. */
START_TEST(without_memory_a_new_ssrc_is_dropped_and_may_come_again)
{
    kit k;
    kit_new(&k, KITH_SRTP_AEAD_AES_128_GCM);
    for (uint32_t ssrc = 1; ssrc <= KITH_SRTP_MAX_SSRCS; ssrc++)
        ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, ssrc, 1)));
    kith_srtp_retire(k.side[ALICE], 1);
    packet_bytes newcomer = kit_sent(&k, ALICE, 1000, 1), known = kit_sent(&k, ALICE, 2, 2);
    oom_begin(1, true);
    bool taken = kit_takes(&k, BOB, newcomer), known_taken = kit_takes(&k, BOB, known);
    kith_set_allocator(NULL);
    ck_assert(!taken);
    ck_assert(known_taken);
    ck_assert_uint_eq(kith_srtp_get_counters(k.side[BOB])->no_memory, 1);
    ck_assert_uint_eq(kith_srtp_get_counters(k.side[BOB])->full, 0);
    ck_assert(kit_takes(&k, BOB, newcomer));
    ck_assert(!kit_takes(&k, BOB, newcomer));
    kit_free(&k);
}
END_TEST

/* Wherever it ends: it is not said that the packet was forged, nor kept that it came. */
START_TEST(a_first_packet_that_lacked_memory_at_any_place_is_taken_when_it_comes_again)
{
    for (size_t i = 0; i < PROFILES; i++) {
        bool taken = false;
        for (unsigned place = 1; !taken; place++) {
            kit k;
            kit_new(&k, all_profiles[i]);
            packet_bytes first = kit_sent(&k, ALICE, 1, 1);
            oom_begin(place, true);
            taken = kit_takes(&k, BOB, first);
            kith_set_allocator(NULL);
            ck_assert_uint_eq(kith_srtp_get_counters(k.side[BOB])->no_memory, !taken);
            ck_assert_uint_eq(kith_srtp_get_counters(k.side[BOB])->auth_failed, 0);
            ck_assert(taken || kit_takes(&k, BOB, first));
            ck_assert(!kit_takes(&k, BOB, first));
            ck_assert(!taken || place > 3);
            kit_free(&k);
        }
    }
}
END_TEST

UNIT_MAIN("srtp: memory", an_ssrc_costs_less_than_640_bytes_each_way, packets_cost_no_allocation,
          without_memory_a_call_fails_and_a_packet_is_dropped,
          without_memory_a_new_ssrc_is_dropped_and_may_come_again,
          a_first_packet_that_lacked_memory_at_any_place_is_taken_when_it_comes_again)

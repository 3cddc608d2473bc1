/* What a peer can make the session hold, measured on the heap: with as many streams as there may
 * be, each with as much missing as is asked for. */
#include "../../sim/heap.h"
#include "kit.h"

static const kith_rtp_payload_type types[] = {{VP8, 90000, false, 0}, {97, 90000, true, VP8}};

static kit begin(void)
{
    kit k = kit_bare();
    kith_rtp_section video = kit_video();
    video.takes_nack = video.reduced_size = true;
    video.payload_types = types;
    video.payload_type_count = 2;
    kit_set(&k, (const kith_rtp_section[]){kit_audio(), video}, 2);
    kith_rtp_set_rtt(k.rtp, KITH_MS(50));
    return k;
}

static void drain(kit *k)
{
    uint8_t buf[KITH_RTP_MAX_PACKET];
    (void)kit_events(k, KITH_RTP_EV_PACKET);
    while (kith_rtp_output(k->rtp, k->now, buf, sizeof buf) > 0)
        continue;
}

static size_t listed(const kit *k)
{
    size_t entries = 0;
    KITH_RTP_EACH_IN(k->rtp, in)
        entries += in->nack.cap;
    return entries;
}

/* A packet of each stream in turn, after which 900 of it are missing, again and again. */
START_TEST(what_is_missing_of_all_streams_is_bounded)
{
    kit k = begin();
    size_t before = heap_bytes(), worst = 0;
    for (unsigned round = 0; round < 20; round++) {
        for (uint32_t ssrc = 1; ssrc <= KITH_RTP_MAX_SSRCS + 10; ssrc++)
            kit_receive(&k, (from){.ssrc = ssrc,
                                   .number = (uint16_t)(100 + round * 900),
                                   .type = VP8,
                                   .mid = "1"});
        drain(&k);
        k.now += KITH_MS(20);
        worst = heap_bytes() - before > worst ? heap_bytes() - before : worst;
        ck_assert_uint_le(listed(&k), KITH_RTP_MAX_LISTED);
    }
    ck_assert_msg(worst < 1536 * 1024, "%zu bytes", worst);
    kit_end(&k);
}
END_TEST

/* Few streams have all that is asked for, and many have little, as in a conference. */
START_TEST(few_streams_may_miss_much_and_many_a_little)
{
    kit k = begin();
    for (unsigned round = 0; round < 2; round++)
        for (uint32_t ssrc = 1; ssrc <= 8; ssrc++)
            kit_receive(&k, (from){.ssrc = ssrc,
                                   .number = (uint16_t)(100 + round * 900),
                                   .type = VP8,
                                   .mid = "1"});
    KITH_RTP_EACH_IN(k.rtp, in)
        ck_assert_uint_eq(in->nack.count, 899);
    kit_end(&k);
    k = begin();
    for (unsigned round = 0; round < 2; round++)
        for (uint32_t ssrc = 1; ssrc <= KITH_RTP_MAX_SSRCS; ssrc++)
            kit_receive(&k, (from){.ssrc = ssrc,
                                   .number = (uint16_t)(100 + round * 30),
                                   .type = VP8,
                                   .mid = "1"});
    KITH_RTP_EACH_IN(k.rtp, in)
        ck_assert_uint_eq(in->nack.count, 29);
    kit_end(&k);
}
END_TEST

UNIT_MAIN("rtp: memory", what_is_missing_of_all_streams_is_bounded,
          few_streams_may_miss_much_and_many_a_little)

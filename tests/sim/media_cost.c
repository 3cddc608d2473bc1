/* RTP and RTCP of an attacker with keys, for media_cost.sh to count what each packet costs from
 * its decryption on: KITH_ATTACK says which; without it, prints their names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/rtp/kit.h"

#define RTX      97
#define SECTIONS 64

static kit k;
static kith_rtp_out *out;
static kith_rtp_out *outs[SECTIONS];
static uint16_t sent_number;

/* Apart, so that its cost can be told. */
__attribute__((noinline)) static void cost_input(const uint8_t *packet, size_t len)
{
    if (kith_rtcp_is(kith_span_of(packet, len)))
        kith_rtp_input_rtcp(k.rtp, k.now, kith_span_of(packet, len));
    else
        kit_input(&k, packet, len);
}

static void drain(void)
{
    uint8_t buf[KITH_RTP_MAX_PACKET];
    (void)kit_events(&k, KITH_RTP_EV_PACKET);
    while (kith_rtp_output(k.rtp, k.now, buf, sizeof buf) > 0)
        continue;
}

/* What follows from it is the attacker's doing, too. */
__attribute__((noinline)) static void cost_output(void)
{
    drain();
}

/* ---- RTP ---- */

static void say(uint32_t ssrc, uint16_t number, uint8_t type, const char *mid)
{
    uint8_t buf[300];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtp_element element = {MID_ID, kith_span_text(mid)};
    kith_rtp_write_start(&w, &(kith_rtp_start){.ssrc = ssrc,
                                               .sequence_number = number,
                                               .payload_type = type,
                                               .elements = &element,
                                               .element_count = !!mid});
    kith_wr_text(&w, "\1\1payload");
    cost_input(buf, w.len);
}

static void in_order(unsigned n)
{
    say(1, (uint16_t)n, VP8, NULL);
}

static void with_new_ssrcs(unsigned n)
{
    say(1000 + n, (uint16_t)n, VP8, "1");
}

static void with_all_ssrcs(unsigned n)
{
    say(1 + n % KITH_RTP_MAX_SSRCS, (uint16_t)(n / KITH_RTP_MAX_SSRCS), VP8, NULL);
}

static void with_holes(unsigned n)
{
    say(1, (uint16_t)(n * 900), VP8, NULL);
}

static void with_holes_in_all(unsigned n)
{
    say(1 + n % KITH_RTP_MAX_SSRCS, (uint16_t)(n / KITH_RTP_MAX_SSRCS * 900), VP8, NULL);
}

static void backwards(unsigned n)
{
    say(1, (uint16_t)(60000 - n), VP8, NULL);
}

static void again_in_rtx(unsigned n)
{
    say(5000, (uint16_t)n, RTX, "1");
}

static void of_the_last_section(unsigned n)
{
    static char mid[8];
    snprintf(mid, sizeof mid, "s%d", SECTIONS - 1);
    say(1 + n % KITH_RTP_MAX_SSRCS, (uint16_t)n, VP8, mid);
}

/* ---- RTCP ---- */

static void hear(const kith_writer *w)
{
    ck_assert(!w->bad);
    cost_input(w->data, w->len);
}

static void nacks(unsigned n)
{
    uint8_t buf[1200];
    uint16_t numbers[4000];
    kith_writer w = kith_wr(buf, sizeof buf);
    for (unsigned i = 0; i < 4000; i++)
        numbers[i] = (uint16_t)(sent_number - 4000 + i + (n & 0));
    kith_rtcp_write_nack(&w, 9, kith_rtp_out_ssrc(out), numbers, 4000);
    hear(&w);
}

static void nacks_of_nothing(unsigned n)
{
    uint8_t buf[1200];
    uint16_t numbers[280];
    kith_writer w = kith_wr(buf, sizeof buf);
    for (unsigned i = 0; i < 280; i++)
        numbers[i] = (uint16_t)(n + i * 17);
    kith_rtcp_write_nack(&w, 9, kith_rtp_out_ssrc(out), numbers, 280);
    hear(&w);
}

static void many_parts(unsigned n)
{
    uint8_t buf[1200];
    kith_writer w = kith_wr(buf, sizeof buf);
    while (w.len + 12 <= sizeof buf)
        kith_rtcp_write_pli(&w, 9, kith_rtp_out_ssrc(outs[n % SECTIONS]));
    hear(&w);
}

static void many_reports(unsigned n)
{
    uint8_t buf[1200];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_report blocks[31] = {{0}};
    for (unsigned i = 0; i < 31; i++)
        blocks[i] = (kith_rtcp_report){.ssrc = kith_rtp_out_ssrc(outs[SECTIONS - 1 - i]),
                                       .fraction_lost = (uint8_t)n,
                                       .highest_sequence = n * 100};
    kith_rtcp_write_rr(&w, 9, blocks, 31);
    hear(&w);
}

static void many_sources(unsigned n)
{
    uint8_t buf[1200];
    kith_writer w = kith_wr(buf, sizeof buf);
    size_t mark = kith_rtcp_begin(&w, KITH_RTCP_SDES, 31);
    for (unsigned i = 0; i < 31; i++)
        kith_rtcp_write_chunk(&w, 7000 + n * 31 + i, kith_span_text("name"), kith_span_text("s63"));
    kith_rtcp_end(&w, mark);
    hear(&w);
}

static void many_byes(unsigned n)
{
    uint8_t buf[1200];
    uint32_t ssrcs[31];
    kith_writer w = kith_wr(buf, sizeof buf);
    while (w.len + 4 + 31 * 4 <= sizeof buf) {
        for (unsigned i = 0; i < 31; i++)
            ssrcs[i] = 1 + (n * 31 + i) % 400;
        kith_rtcp_write_bye(&w, ssrcs, 31);
    }
    hear(&w);
}

static void reference_times(unsigned n)
{
    uint8_t buf[1200];
    kith_writer w = kith_wr(buf, sizeof buf);
    while (w.len + 20 <= sizeof buf)
        kith_rtcp_write_rrtr(&w, n, (uint64_t)n << 32);
    hear(&w);
}

typedef struct attack {
    const char *name;
    unsigned count;
    bool fills_table, with_output;
    void (*one)(unsigned n);
} attack;

static const attack attacks[] = {
    {"rtp", 2000, false, false, in_order},
    {"rtp-and-events", 2000, false, true, in_order},
    {"rtp-new-ssrcs", 2000, true, false, with_new_ssrcs},
    {"rtp-all-ssrcs", 2000, true, false, with_all_ssrcs},
    {"rtp-holes", 2000, false, false, with_holes},
    {"rtp-holes-and-requests", 2000, false, true, with_holes},
    {"rtp-holes-all-ssrcs", 2000, true, false, with_holes_in_all},
    {"rtp-holes-all-requests", 2000, true, true, with_holes_in_all},
    {"rtp-backwards", 900, false, false, backwards},
    {"rtx", 2000, true, false, again_in_rtx},
    {"mid-of-the-last", 2000, true, false, of_the_last_section},
    {"nack", 1000, false, false, nacks},
    {"nack-and-answers", 1000, false, true, nacks},
    {"nack-of-nothing", 1000, false, false, nacks_of_nothing},
    {"pli", 1000, false, false, many_parts},
    {"reports", 1000, false, false, many_reports},
    {"reports-and-reports", 1000, true, true, many_reports},
    {"sdes", 1000, true, false, many_sources},
    {"bye", 1000, true, false, many_byes},
    {"bye-and-reports", 1000, true, true, many_byes},
    {"xr", 1000, false, false, reference_times},
};

/* SECTIONS sections of video, each of which we send too. */
static void prepare(bool fills_table)
{
    static char mids[SECTIONS][8];
    static kith_rtp_section sections[SECTIONS];
    static const kith_rtp_payload_type types[] = {{VP8, 90000, false, 0}, {RTX, 90000, true, VP8}};
    static const uint8_t rtx_types[128] = {[VP8] = RTX};
    k = kit_bare();
    for (int i = 0; i < SECTIONS; i++) {
        snprintf(mids[i], sizeof mids[i], i == 0 ? "1" : "s%d", i);
        sections[i] = kit_video();
        sections[i].mid = mids[i];
        sections[i].takes_nack = sections[i].reduced_size = sections[i].rcvr_rtt = true;
        sections[i].payload_types = types;
        sections[i].payload_type_count = 2;
    }
    kit_set(&k, sections, SECTIONS);
    kith_rtp_set_rtt(k.rtp, KITH_MS(50));
    for (int i = 0; i < SECTIONS; i++) {
        const kith_rtp_out_config config = {
            .mid = mids[i], .kind = KITH_RTP_VIDEO, .clock_rate = 90000, .has_rtx = true};
        ck_assert_int_eq(kith_rtp_add_out(k.rtp, &outs[i], &config), KITH_OK);
        kith_rtp_out_set_rtx(outs[i], rtx_types);
    }
    out = outs[SECTIONS - 1];
    for (int i = 0; i < 4000; i++)
        sent_number = kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8}).sequence_number;
    for (uint32_t ssrc = 1; ssrc <= (fills_table ? KITH_RTP_MAX_SSRCS : 1); ssrc++) {
        kit_receive(&k, (from){.ssrc = ssrc, .type = VP8, .mid = "1"});
        drain();
    }
}

static void measure(const attack *a)
{
    prepare(a->fills_table);
    for (unsigned n = 1; n <= a->count; n++) {
        k.now += 100;
        a->one(n);
        if (a->with_output)
            cost_output();
        else
            (void)kit_events(&k, KITH_RTP_EV_PACKET);
    }
    printf("%u packets, %s\n", a->count, a->with_output ? "answers counted" : "taken in");
    kit_end(&k);
}

START_TEST(an_attack_costs)
{
    const char *name = getenv("KITH_ATTACK");
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
        if (!name)
            puts(attacks[i].name);
        else if (strcmp(name, attacks[i].name) == 0)
            measure(&attacks[i]);
    }
}
END_TEST

UNIT_MAIN("sim: media cost", an_attack_costs)

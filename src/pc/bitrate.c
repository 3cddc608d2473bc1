/* How much each sender may send: what the peer's description says of a section and of all of them
 * together, what the path carries (rtp/loss.c, REMB), and what the program says of an encoding,
 * made one target for its encoder. Nothing is measured here, and nothing held back: what is sent is
 * what the encoder makes. */
#include <string.h>

#include "pc/pc.h"
#include "pc/transceivers.h"

#define UNLIMITED KITH_BITRATE_UNLIMITED
/* What audio is taken to need of what is shared: G.711's rate, and Opus's for speech and most music
 * (RFC 7587 section 3.1.1). */
#define AUDIO_BITRATE 64000
/* What a path is taken to carry at least, whatever the peer says: libwebrtc's least too. */
#define LEAST_ESTIMATE 5000
/* KITH_EV_TARGET_BITRATE: what is less by 3 %, or more by 5 %. */
#define REPORTED_LESS 3
#define REPORTED_MORE 5

/* ---- b= ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* RFC 9429 section 5.10: TIAS = AS * 1000 * 0.95 - (50 * 40 * 8), for RTCP and for the headers of
 * 50 packets a second. Those would be all of it where it is small: there at least half is left. */
static uint64_t tias_of(uint64_t kilobits)
{
    uint64_t bits = kilobits < UNLIMITED / 1000 ? kilobits * 1000 : UNLIMITED;
    uint64_t without_rtcp = bits - bits / 20, headers = UINT64_C(50) * 40 * 8;
    return without_rtcp > headers + bits / 2 ? without_rtcp - headers : bits / 2;
}

/* "'TIAS' is used in preference to 'AS'". Of several of a type, which no law explains, the least.
 * Zero is no limit, as in libwebrtc: RFC 3264 section 5.1 has it disable media, and discourages it,
 * but those who write it for browsers mean nothing by it, and a direction says the same. */
static uint64_t bitrate_of(const kith_sdp_common *common, bool has_ct)
{
    uint64_t tias = UNLIMITED, as = UNLIMITED;
    for (size_t i = 0; i < common->bandwidths.count; i++) {
        const kith_sdp_bandwidth *b = &common->bandwidths.items[i];
        if (b->value == 0)
            continue;
        if (strcmp(b->type, "TIAS") == 0)
            tias = least(tias, b->value);
        else if (strcmp(b->type, "AS") == 0 || (has_ct && strcmp(b->type, "CT") == 0))
            as = least(as, tias_of(b->value));
    }
    return tias < UNLIMITED ? tias : as;
}

/* RFC 9429 section 5.10: CT in a section is ignored. */
uint64_t kith_bitrate_of_section(const kith_sdp_common *section)
{
    return bitrate_of(section, false);
}

/* RFC 8834 section 7.1: b=AS and b=CT are obeyed. */
uint64_t kith_bitrate_of_session(const kith_sdp_common *session)
{
    return bitrate_of(session, true);
}

/* ---- targets ---- */

static uint64_t own_limit(const kith_sender *sender)
{
    return least(sender->section_bitrate,
                 sender->max_bitrate > 0 ? sender->max_bitrate : UNLIMITED);
}

/* Of what is shared it takes no more, while others want more. */
static uint64_t need(const kith_sender *sender)
{
    bool is_modest = sender->transceiver->kind == KITH_AUDIO && sender->max_bitrate == 0;
    return least(own_limit(sender), is_modest ? AUDIO_BITRATE : UNLIMITED);
}

/* Those that still want something, and at most `fair`, get it. Returns how many. */
static unsigned satisfy(kith_pc *pc, uint64_t (*want)(const kith_sender *), uint64_t fair,
                        uint64_t *left)
{
    unsigned count = 0;
    KITH_LIST_EACH(&pc->transceivers.all, node) {
        kith_sender *sender = &KITH_OWNER(node, kith_transceiver, in_pc)->sender;
        if (!sender->wants_more || want(sender) - sender->target_bitrate > fair)
            continue;
        sender->wants_more = false;
        *left -= want(sender) - sender->target_bitrate;
        sender->target_bitrate = want(sender);
        count++;
    }
    return count;
}

/* Adds to the targets what each wants, by max-min fairness: nobody gets more than who wants more.
 * Returns what is left. */
static uint64_t share(kith_pc *pc, uint64_t (*want)(const kith_sender *), uint64_t left)
{
    unsigned senders = 0;
    KITH_LIST_EACH(&pc->transceivers.all, node) {
        kith_sender *sender = &KITH_OWNER(node, kith_transceiver, in_pc)->sender;
        sender->wants_more = sender->is_ready;
        senders += sender->is_ready;
    }
    for (unsigned count = 1; senders > 0 && count > 0; senders -= count)
        count = satisfy(pc, want, left / senders, &left);
    KITH_LIST_EACH(&pc->transceivers.all, node) {
        kith_sender *sender = &KITH_OWNER(node, kith_transceiver, in_pc)->sender;
        sender->target_bitrate += sender->wants_more ? left / senders : 0;
    }
    return senders > 0 ? 0 : left;
}

/* What others do not need is there for all. */
static void share_all(kith_pc *pc, uint64_t all)
{
    KITH_LIST_EACH(&pc->transceivers.all, node)
        KITH_OWNER(node, kith_transceiver, in_pc)->sender.target_bitrate = 0;
    (void)share(pc, own_limit, share(pc, need, all));
}

static void limit_each(kith_pc *pc)
{
    KITH_LIST_EACH(&pc->transceivers.all, node) {
        kith_sender *sender = &KITH_OWNER(node, kith_transceiver, in_pc)->sender;
        sender->target_bitrate = sender->is_ready ? own_limit(sender) : UNLIMITED;
    }
}

static bool is_worth_reporting(uint64_t target, uint64_t reported)
{
    if (target == UNLIMITED || reported == UNLIMITED)
        return target != reported;
    return target < reported ? reported - target > reported / 100 * REPORTED_LESS
                             : target - reported > reported / 100 * REPORTED_MORE;
}

static void tell(kith_sender *sender)
{
    kith_transceiver *t = sender->transceiver;
    if (!sender->is_ready) {
        sender->reported_bitrate = UNLIMITED; /* SENDER_STATE tells of that */
        return;
    }
    if (!is_worth_reporting(sender->target_bitrate, sender->reported_bitrate))
        return;
    sender->reported_bitrate = sender->target_bitrate;
    kith_event ev = {.type = KITH_EV_TARGET_BITRATE,
                     .pc = t->pc,
                     .transceiver = t,
                     .sender = sender,
                     .receiver = &t->receiver};
    kith_events_push(t->pc, &ev);
}

void kith_bitrate_share(kith_pc *pc)
{
    uint64_t all = least(pc->transceivers.session_bitrate, pc->transceivers.estimated_bitrate);
    if (all < UNLIMITED)
        share_all(pc, all);
    else
        limit_each(pc);
    KITH_LIST_EACH(&pc->transceivers.all, node)
        tell(&KITH_OWNER(node, kith_transceiver, in_pc)->sender);
}

void kith_bitrate_estimated(kith_pc *pc, uint64_t bitrate)
{
    pc->transceivers.estimated_bitrate = bitrate > LEAST_ESTIMATE ? bitrate : LEAST_ESTIMATE;
    kith_bitrate_share(pc);
}

uint64_t kith_sender_target_bitrate(const kith_sender *sender)
{
    return sender->is_ready && sender->target_bitrate < UNLIMITED ? sender->target_bitrate : 0;
}

/* How much each sender may send: what the peer says of a section and of all of them together, and
 * what the program says of an encoding, made one target for its encoder. Nothing is measured here,
 * and nothing held back: what is sent is what the encoder makes. */
#include <string.h>

#include "pc/pc.h"
#include "pc/transceivers.h"

#define UNLIMITED KITH_BITRATE_UNLIMITED
/* What audio is taken to need of what is shared: G.711's rate, and Opus's for speech and most music
 * (RFC 7587 section 3.1.1). */
#define AUDIO_BITRATE 64000
/* KITH_EV_TARGET_BITRATE: what is less by 3 %, or more by 5 %. */
#define TOLD_LESS 3
#define TOLD_MORE 5

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
 */
static uint64_t bitrate_of(const kith_sdp_common *common, bool has_ct)
{
    uint64_t tias = UNLIMITED, as = UNLIMITED;
    for (size_t i = 0; i < common->bandwidths.count; i++) {
        const kith_sdp_bandwidth *b = &common->bandwidths.items[i];
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

/* Of what is shared it takes no more. */
static uint64_t need(const kith_sender *sender)
{
    bool is_modest = sender->transceiver->kind == KITH_AUDIO && sender->max_bitrate == 0;
    return least(own_limit(sender), is_modest ? AUDIO_BITRATE : UNLIMITED);
}

/* Those that still have no share and need at most `fair` get what they need. Returns how many. */
static unsigned satisfy(kith_pc *pc, uint64_t fair, uint64_t *left)
{
    unsigned count = 0;
    KITH_LIST_EACH(&pc->transceivers.all, node) {
        kith_sender *sender = &KITH_OWNER(node, kith_transceiver, in_pc)->sender;
        if (!sender->is_ready || sender->has_share || need(sender) > fair)
            continue;
        sender->has_share = true;
        sender->target_bitrate = need(sender);
        *left -= sender->target_bitrate;
        count++;
    }
    return count;
}

/* Max-min fairness: nobody gets more than who wants more. */
static void share(kith_pc *pc, unsigned senders, uint64_t left)
{
    for (unsigned count; senders > 0; senders -= count) {
        count = satisfy(pc, left / senders, &left);
        if (count == 0)
            break;
    }
    KITH_LIST_EACH(&pc->transceivers.all, node) {
        kith_sender *sender = &KITH_OWNER(node, kith_transceiver, in_pc)->sender;
        if (sender->is_ready && !sender->has_share)
            sender->target_bitrate = left / senders;
    }
}

static bool is_worth_telling(uint64_t target, uint64_t told)
{
    if (target == UNLIMITED || told == UNLIMITED)
        return target != told;
    return target < told - told / 100 * TOLD_LESS || target > told + told / 100 * TOLD_MORE;
}

static void tell(kith_sender *sender)
{
    kith_transceiver *t = sender->transceiver;
    if (!is_worth_telling(sender->target_bitrate, sender->told_bitrate))
        return;
    sender->told_bitrate = sender->target_bitrate;
    kith_event ev = {.type = KITH_EV_TARGET_BITRATE,
                     .pc = t->pc,
                     .transceiver = t,
                     .sender = sender,
                     .receiver = &t->receiver};
    kith_events_push(t->pc, &ev);
}

void kith_bitrate_share(kith_pc *pc)
{
    unsigned senders = 0;
    KITH_LIST_EACH(&pc->transceivers.all, node) {
        kith_sender *sender = &KITH_OWNER(node, kith_transceiver, in_pc)->sender;
        senders += sender->is_ready;
        sender->has_share = false;
        sender->target_bitrate = sender->is_ready ? own_limit(sender) : UNLIMITED;
        if (!sender->is_ready)
            sender->told_bitrate = UNLIMITED; /* SENDER_STATE tells of that */
    }
    if (pc->transceivers.session_bitrate < UNLIMITED)
        share(pc, senders, pc->transceivers.session_bitrate);
    KITH_LIST_EACH(&pc->transceivers.all, node)
        tell(&KITH_OWNER(node, kith_transceiver, in_pc)->sender);
}

uint64_t kith_sender_target_bitrate(const kith_sender *sender)
{
    return sender->target_bitrate < UNLIMITED ? sender->target_bitrate : 0;
}

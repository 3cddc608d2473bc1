/* The set of transceivers, and how m= sections and transceivers find each other (RFC 9429 sections
 * 5.2, 5.10 and 5.11, webrtc-pc section 4.4.1.5). */
#include "pc/transceivers.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "pc/media.h"
#include "pc/pc.h"

#define EACH(pc, node) KITH_LIST_EACH((kith_list *)&(pc)->transceivers.all, node)
#define OF(node)       KITH_OWNER(node, kith_transceiver, in_pc)

void kith_transceivers_init(kith_pc *pc)
{
    kith_list_init(&pc->transceivers.all);
    kith_list_init(&pc->transceivers.ended);
    kith_random_text(pc->transceivers.cname, KITH_CNAME);
    pc->transceivers.numbers.codecs = &pc->transceivers.codecs;
    kith_random_order_init(&pc->transceivers.ssrcs);
    pc->transceivers.session_bitrate = KITH_BITRATE_UNLIMITED;
    pc->transceivers.estimated_bitrate = KITH_BITRATE_UNLIMITED;
}

void kith_transceivers_deinit(kith_pc *pc)
{
    EACH(pc, node)
    kith_transceiver_destroy(OF(node));
    KITH_LIST_EACH(&pc->transceivers.ended, node)
        kith_transceiver_destroy(OF(node));
    kith_buffers_free(pc->transceivers.buffers);
    pc->transceivers.buffers = NULL;
    kith_codec_set_deinit(&pc->transceivers.codecs);
}

void kith_transceivers_close(kith_pc *pc)
{
    EACH(pc, node)
    {
        kith_transceiver *t = OF(node);
        t->is_stopping = true;
        t->direction = t->current_direction = KITH_DIRECTION_STOPPED;
        kith_media_remove_sender(&t->sender);
    }
}

/* ---- one transceiver ---- */

/* RFC 9562 section 5.4: version 4. */
static void fresh_id(char out[KITH_MSID_MAX + 1])
{
    uint8_t b[16];
    kith_random_bytes(b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    size_t at = 0;
    for (size_t i = 0; i < sizeof b; i++)
        at += (size_t)snprintf(out + at, 4, "%s%02x",
                               i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
}

static uint32_t fresh_ssrc(kith_pc *pc)
{
    uint32_t ssrc = kith_random_order_next(&pc->transceivers.ssrcs);
    return ssrc != 0 ? ssrc : fresh_ssrc(pc);
}

kith_err kith_transceiver_new(kith_transceiver **out, kith_pc *pc, kith_media_kind kind,
                              kith_direction direction)
{
    if (pc->transceivers.count >= KITH_TRANSCEIVERS_MAX)
        return kith_fail(KITH_ERR_RANGE, "more than %d transceivers", KITH_TRANSCEIVERS_MAX);
    kith_transceiver *t = kith_alloc_zero(1, sizeof *t);
    if (!t || kith_events_reserve_transceiver(pc) != KITH_OK) {
        kith_free(t);
        return kith_fail_memory();
    }
    t->pc = pc;
    t->number = pc->transceivers.next_number++;
    t->kind = kind;
    t->direction = direction;
    t->current_direction = KITH_DIRECTION_NONE;
    t->section = t->offered = -1;
    t->sender.transceiver = t->receiver.transceiver = t;
    t->sender.is_active = true;
    t->sender.section_bitrate = t->sender.target_bitrate = t->sender.reported_bitrate =
        KITH_BITRATE_UNLIMITED;
    t->receiver.is_muted = true;
    kith_list_init(&t->receiver.waiting);
    fresh_id(t->sender.msid);
    t->sender.ssrc = fresh_ssrc(pc);
    t->sender.rtx_ssrc = fresh_ssrc(pc);
    pc->transceivers.count++;
    *out = t;
    return KITH_OK;
}

void kith_transceiver_destroy(kith_transceiver *t)
{
    kith_media_remove_sender(&t->sender);
    kith_list_remove(&t->in_pc);
    t->pc->transceivers.count--;
    kith_events_unreserve_transceiver(t->pc);
    kith_packetizer_free(t->sender.packetizer);
    kith_assembler_free(t->receiver.assembler);
    kith_free(t->sender.streams);
    kith_free(t->sender.returned_parameters);
    kith_free(t->receiver.returned_parameters);
    kith_free(t);
}

void kith_transceiver_enter(kith_transceiver *t)
{
    kith_list_append(&t->pc->transceivers.all, &t->in_pc);
}

static void tell(kith_transceiver *t, kith_event_type type)
{
    kith_event ev = {.type = type,
                     .pc = t->pc,
                     .transceiver = t,
                     .sender = &t->sender,
                     .receiver = &t->receiver};
    kith_events_push(t->pc, &ev);
}

void kith_receiver_set_muted(kith_receiver *receiver, bool is_muted)
{
    if (is_muted == receiver->is_muted)
        return;
    receiver->is_muted = is_muted;
    tell(receiver->transceiver, is_muted ? KITH_EV_TRACK_MUTE : KITH_EV_TRACK_UNMUTE);
}

void kith_transceiver_end(kith_transceiver *t)
{
    kith_media_remove_sender(&t->sender);
    t->is_ended = t->is_stopping = true;
    t->direction = t->current_direction = KITH_DIRECTION_STOPPED;
    t->section = t->offered = -1;
    kith_list_remove(&t->in_pc);
    kith_list_append(&t->pc->transceivers.ended, &t->in_pc);
    tell(t, KITH_EV_TRACK_ENDED);
}

/* ---- directions ---- */

bool kith_direction_sends(kith_direction direction)
{
    return direction == KITH_DIRECTION_SENDRECV || direction == KITH_DIRECTION_SENDONLY;
}

bool kith_direction_receives(kith_direction direction)
{
    return direction == KITH_DIRECTION_SENDRECV || direction == KITH_DIRECTION_RECVONLY;
}

kith_direction kith_direction_of(bool sends, bool receives)
{
    if (sends)
        return receives ? KITH_DIRECTION_SENDRECV : KITH_DIRECTION_SENDONLY;
    return receives ? KITH_DIRECTION_RECVONLY : KITH_DIRECTION_INACTIVE;
}

kith_direction kith_direction_reversed(kith_direction direction)
{
    return kith_direction_of(kith_direction_receives(direction), kith_direction_sends(direction));
}

kith_direction kith_direction_from_sdp(kith_sdp_direction direction)
{
    bool is_both = direction == KITH_SDP_DIRECTION_NONE || direction == KITH_SDP_DIRECTION_SENDRECV;
    return kith_direction_of(is_both || direction == KITH_SDP_DIRECTION_SENDONLY,
                             is_both || direction == KITH_SDP_DIRECTION_RECVONLY);
}

kith_sdp_direction kith_direction_to_sdp(kith_direction direction)
{
    if (kith_direction_sends(direction))
        return kith_direction_receives(direction) ? KITH_SDP_DIRECTION_SENDRECV
                                                  : KITH_SDP_DIRECTION_SENDONLY;
    return kith_direction_receives(direction) ? KITH_SDP_DIRECTION_RECVONLY
                                              : KITH_SDP_DIRECTION_INACTIVE;
}

/* Of section `i` of a description. */
static kith_direction direction_in(const kith_description *d, size_t i)
{
    return kith_direction_from_sdp(kith_sdp_media_direction(d->sdp, d->sdp->media.items[i]));
}

/* ---- whose is a section ---- */

kith_transceiver *kith_transceivers_find(const kith_pc *pc, size_t section)
{
    EACH(pc, node)
    if (OF(node)->section == (int)section)
        return OF(node);
    return NULL;
}

kith_transceiver *kith_transceivers_find_offered(const kith_pc *pc, size_t section)
{
    EACH(pc, node)
    if (OF(node)->section < 0 && OF(node)->offered == (int)section)
        return OF(node);
    return kith_transceivers_find(pc, section);
}

void kith_transceivers_begin_offer(kith_pc *pc)
{
    EACH(pc, node)
    OF(node)->offered = -1;
}

kith_transceiver *kith_transceivers_offer_next(kith_pc *pc, size_t section)
{
    EACH(pc, node)
    {
        kith_transceiver *t = OF(node);
        if (t->section < 0 && t->offered < 0 && !t->is_stopping) {
            t->offered = (int)section;
            return t;
        }
    }
    return NULL;
}

void kith_transceivers_take_local_offer(kith_pc *pc)
{
    kith_numbers_note(&pc->transceivers.numbers, pc->jsep.pending_local->sdp);
    EACH(pc, node)
    {
        kith_transceiver *t = OF(node);
        if (t->section < 0 && t->offered >= 0) {
            t->section = t->offered;
            t->is_section_pending = true;
        }
        t->offered = -1;
    }
}

/* Is a section one that a transceiver can have? */
static bool is_usable(const kith_pc *pc, const kith_description *d, size_t i, kith_media_kind *kind)
{
    kith_codec_use uses[KITH_CODEC_MAX_USES];
    const kith_sdp_media *m = d->sdp->media.items[i];
    return d->sections[i].kind == &kith_section_rtp && d->sections[i].accepted &&
           kith_codec_kind_of(m, kind) && kith_codecs_of(&pc->transceivers.codecs, m, uses) > 0;
}

/* A pending local offer may be rolled back before: the sections that it gave do not count. */
kith_err kith_transceivers_prepare(kith_pc *pc, const kith_description *offer, kith_list *spare)
{
    kith_list_init(spare);
    for (size_t i = 0; i < offer->sdp->media.count; i++) {
        kith_media_kind kind;
        const kith_transceiver *t = kith_transceivers_find(pc, i);
        if (!is_usable(pc, offer, i, &kind) || (t && !t->is_section_pending))
            continue;
        kith_transceiver *made;
        kith_err err = kith_transceiver_new(&made, pc, kind, KITH_DIRECTION_RECVONLY);
        if (err == KITH_ERR_RANGE)
            break; /* the sections above go without */
        if (err != KITH_OK) {
            KITH_LIST_EACH(spare, node)
                kith_transceiver_destroy(OF(node));
            return err;
        }
        kith_list_append(spare, &made->in_pc);
    }
    return KITH_OK;
}

/* RFC 9429 section 5.10: the first that addTrack made and nobody has, where the peer would receive;
 * else a new one. */
static kith_transceiver *choose(kith_pc *pc, kith_media_kind kind, bool peer_receives,
                                kith_list *spare)
{
    EACH(pc, node)
    {
        kith_transceiver *t = OF(node);
        if (peer_receives && t->kind == kind && t->is_added_by_track && t->section < 0 &&
            !t->is_stopping)
            return t;
    }
    KITH_LIST_EACH(spare, node)
        if (OF(node)->kind == kind) {
            kith_transceiver *t = OF(node);
            kith_list_remove(node);
            kith_transceiver_enter(t);
            t->is_made_by_offer = true;
            return t;
        }
    return NULL;
}

static bool has_ssrc_line(const kith_sdp_media *m, uint32_t ssrc)
{
    for (size_t i = 0; i < m->ssrcs.count; i++)
        if (m->ssrcs.items[i].ssrc == ssrc)
            return true;
    return false;
}

static bool names_ssrc(const kith_sdp *sdp, uint32_t ssrc)
{
    for (size_t i = 0; i < sdp->media.count; i++)
        if (has_ssrc_line(sdp->media.items[i], ssrc))
            return true;
    return false;
}

/* RFC 3550 section 8.2: nobody was told of ours yet, so that it can be another one. */
static void avoid_ssrcs(kith_pc *pc, const kith_sdp *sdp)
{
    EACH(pc, node)
    {
        kith_sender *sender = &OF(node)->sender;
        while (!sender->out && names_ssrc(sdp, sender->ssrc))
            sender->ssrc = fresh_ssrc(pc);
        while (!sender->out && names_ssrc(sdp, sender->rtx_ssrc))
            sender->rtx_ssrc = fresh_ssrc(pc);
    }
}

void kith_transceivers_take_remote_offer(kith_pc *pc, const kith_description *offer,
                                         kith_list *spare)
{
    kith_numbers_note(&pc->transceivers.numbers, offer->sdp);
    avoid_ssrcs(pc, offer->sdp);
    for (size_t i = 0; i < offer->sdp->media.count; i++) {
        kith_media_kind kind;
        kith_transceiver *t = kith_transceivers_find(pc, i);
        bool is_usable_now = is_usable(pc, offer, i, &kind);
        if (is_usable_now && !t) {
            t = choose(pc, kind, kith_direction_receives(direction_in(offer, i)), spare);
            if (!t)
                continue;
            t->section = (int)i;
            t->is_section_pending = true;
        }
        if (t)
            t->is_track_wanted =
                is_usable_now && !t->is_stopping && kith_direction_sends(direction_in(offer, i));
    }
    KITH_LIST_EACH(spare, node)
        kith_transceiver_destroy(OF(node));
}

/* webrtc-pc section 4.4.1.5, "rollback": what the pending description did. */
void kith_transceivers_roll_back(kith_pc *pc)
{
    EACH(pc, node)
    {
        kith_transceiver *t = OF(node);
        t->is_track_wanted = kith_direction_receives(t->current_direction);
        if (t->is_section_pending) {
            t->section = -1;
            t->is_section_pending = false;
        }
        if ((t->is_made_by_offer && !t->is_added_by_track) || (t->is_stopping && t->section < 0))
            kith_transceiver_end(t);
        else
            t->is_made_by_offer = false;
    }
}

/* ---- an answer ---- */

bool kith_transceiver_is_accepted(const kith_transceiver *t, const kith_description *local,
                                  const kith_description *remote)
{
    return t->section >= 0 && local->sections[t->section].accepted &&
           remote->sections[t->section].accepted;
}

kith_direction kith_transceiver_agreed(const kith_transceiver *t, const kith_description *local,
                                       const kith_description *remote)
{
    kith_direction ours = direction_in(local, (size_t)t->section);
    kith_direction theirs = direction_in(remote, (size_t)t->section);
    return kith_direction_of(kith_direction_sends(ours) && kith_direction_receives(theirs),
                             kith_direction_receives(ours) && kith_direction_sends(theirs));
}

static void agree(kith_transceiver *t, const kith_description *local,
                  const kith_description *remote)
{
    kith_media_take(t, local->sdp->media.items[t->section], remote->sdp->media.items[t->section]);
    if (t->is_stopping)
        return;
    t->current_direction = kith_transceiver_agreed(t, local, remote);
    t->is_track_wanted = kith_direction_receives(t->current_direction);
    t->sender.has_sent |= kith_direction_sends(t->current_direction);
    if (!kith_direction_sends(t->current_direction))
        kith_media_pause_sender(&t->sender);
}

void kith_transceivers_apply(kith_pc *pc, const kith_description *local,
                             const kith_description *remote, bool is_provisional)
{
    kith_numbers_note(&pc->transceivers.numbers, local->sdp);
    kith_numbers_note(&pc->transceivers.numbers, remote->sdp);
    pc->transceivers.session_bitrate = kith_bitrate_of_session(&remote->sdp->common);
    EACH(pc, node)
    {
        kith_transceiver *t = OF(node);
        if (t->section < 0)
            continue;
        bool is_accepted = kith_transceiver_is_accepted(t, local, remote);
        if (is_accepted)
            agree(t, local, remote);
        if (is_provisional)
            continue;
        t->is_section_pending = t->is_made_by_offer = false;
        if (!is_accepted)
            kith_transceiver_end(t);
    }
}

void kith_transceivers_tell(kith_pc *pc)
{
    EACH(pc, node)
    {
        kith_transceiver *t = OF(node);
        if (t->is_track_wanted && !t->is_track_announced)
            tell(t, KITH_EV_TRACK);
        /* webrtc-pc section 5.1.1, "process the removal of a remote track" */
        if (!t->is_track_wanted && t->is_track_announced)
            kith_receiver_set_muted(&t->receiver, true);
        t->is_track_announced = t->is_track_wanted;
        kith_sender_tell(&t->sender);
    }
    kith_bitrate_share(pc);
}

/* ---- is negotiation needed ---- */

/* A section that both sides have, in what was last agreed on. One whose SSRC had to be changed
 * (RFC 3550 section 8.2) is to be said again. */
static bool section_needs(const kith_transceiver *t)
{
    const kith_description *local = t->pc->jsep.current_local, *remote = t->pc->jsep.current_remote;
    size_t i = (size_t)t->section;
    kith_direction ours = direction_in(local, i);
    kith_direction theirs = kith_direction_reversed(direction_in(remote, i));
    if (kith_direction_sends(t->direction) &&
        (!kith_sender_has_msids(&t->sender, local->sdp->media.items[i]) ||
         !has_ssrc_line(local->sdp->media.items[i], t->sender.ssrc)))
        return true;
    if (local->session.type == KITH_SDP_OFFER)
        return ours != t->direction && theirs != t->direction;
    bool sends = kith_direction_sends(t->direction) && kith_direction_sends(theirs);
    bool receives = kith_direction_receives(t->direction) && kith_direction_receives(theirs);
    return ours != kith_direction_of(sends, receives);
}

bool kith_transceivers_need_negotiation(const kith_pc *pc)
{
    EACH(pc, node)
    {
        const kith_transceiver *t = OF(node);
        if (t->is_stopping || t->section < 0 || section_needs(t))
            return true;
    }
    return false;
}

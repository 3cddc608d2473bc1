/* RTCRtpTransceiver, RTCRtpSender and RTCRtpReceiver as the application calls them (webrtc-pc
 * sections 5.1 to 5.4). Packets are media.c's. */
#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "base/memory.h"
#include "pc/pc.h"
#include "pc/transceivers.h"
#include "wire/sdp_attribute.h"

static kith_err check_open(const kith_pc *pc, const char *call)
{
    if (pc->closed)
        return kith_fail(KITH_ERR_INVALID_STATE, "%s: the peer connection is closed", call);
    return KITH_OK;
}

/* ---- tracks and streams ---- */

/* RFC 8830 section 2: 1*64token-char. */
static kith_err check_id(const char *what, const char *id)
{
    if (id && strlen(id) <= KITH_MSID_MAX && kith_sdp_is_token(kith_span_text(id)))
        return KITH_OK;
    return kith_fail(KITH_ERR_TYPE, "a %s needs an id of 1 to %d token characters", what,
                     KITH_MSID_MAX);
}

static bool is_among(const char *const *streams, size_t count, const char *stream)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(streams[i], stream) == 0)
            return true;
    return false;
}

/* [[AssociatedMediaStreamIds]] is a set. */
static kith_err set_streams(kith_sender *sender, const char *const *streams, size_t count)
{
    kith_err err = KITH_OK;
    size_t size = count * sizeof(char *);
    if (count > 0 && !streams)
        return kith_fail(KITH_ERR_TYPE, "streams are missing");
    for (size_t i = 0; err == KITH_OK && i < count; i++) {
        err = check_id("stream", streams[i]);
        size += err == KITH_OK ? strlen(streams[i]) + 1 : 0;
    }
    if (err != KITH_OK)
        return err;
    char **copy = kith_alloc(size); /* pointers and texts in one block */
    if (!copy)
        return kith_fail_memory();
    char *at = (char *)(copy + count);
    kith_free(sender->streams);
    sender->streams = copy;
    sender->stream_count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(streams[i]) + 1;
        if (is_among(streams, i, streams[i]))
            continue;
        copy[sender->stream_count++] = memcpy(at, streams[i], len);
        at += len;
    }
    return KITH_OK;
}

kith_err kith_sender_set_track(kith_sender *sender, const char *track_id,
                               const char *const *streams, size_t count)
{
    kith_err err = track_id ? check_id("track", track_id) : KITH_OK;
    if (err == KITH_OK)
        err = set_streams(sender, streams, count);
    if (err != KITH_OK)
        return err;
    if (track_id)
        memcpy(sender->msid, track_id, strlen(track_id) + 1);
    memcpy(sender->track_id, sender->msid, sizeof sender->track_id);
    sender->has_track = true;
    sender->is_silenced = false;
    return KITH_OK;
}

/* RFC 8830 section 2: "-" for a track in no stream. */
static const char *const no_stream[] = {"-"};

static const char *const *msids_of(const kith_sender *sender, size_t *count)
{
    *count = sender->stream_count > 0 ? sender->stream_count : 1;
    return sender->stream_count > 0 ? (const char *const *)sender->streams : no_stream;
}

bool kith_sender_has_msids(const kith_sender *sender, const kith_sdp_media *m)
{
    size_t count;
    const char *const *streams = msids_of(sender, &count);
    for (size_t i = 0; i < m->msids.count; i++) {
        const kith_sdp_msid *msid = &m->msids.items[i];
        if (!msid->track || strcmp(msid->track, sender->msid) != 0 ||
            !is_among(streams, count, msid->stream))
            return false;
    }
    return m->msids.count == count;
}

void kith_sender_add_msids(const kith_sender *sender, kith_sdp *sdp, kith_sdp_media *m)
{
    size_t count;
    const char *const *streams = msids_of(sender, &count);
    for (size_t i = 0; i < count; i++) {
        kith_sdp_msid *msid = KITH_SDP_APPEND(sdp, m->msids);
        if (msid)
            *msid = (kith_sdp_msid){.stream = kith_sdp_text(sdp, "%s", streams[i]),
                                    .track = kith_sdp_text(sdp, "%s", sender->msid)};
    }
}

/* ---- making ---- */

static bool is_kind(kith_media_kind kind)
{
    return kith_media_kind_name(kind);
}

/* A new transceiver of the application's, with a track. */
static kith_err make(kith_pc *pc, kith_media_kind kind, const kith_transceiver_init *init,
                     kith_transceiver **out)
{
    kith_transceiver *t;
    kith_err err = kith_transceiver_new(&t, pc, kind, init->direction);
    if (err != KITH_OK)
        return err;
    err = kith_sender_set_track(&t->sender, init->track_id, init->streams, init->stream_count);
    if (err != KITH_OK) {
        kith_transceiver_destroy(t);
        return err;
    }
    t->user = init->user;
    kith_transceiver_enter(t);
    if (out)
        *out = t;
    return KITH_OK;
}

kith_err kith_pc_add_transceiver(kith_pc *pc, kith_media_kind kind,
                                 const kith_transceiver_init *init, kith_transceiver **out)
{
    kith_transceiver_init known = KITH_TRANSCEIVER_INIT;
    kith_err err = check_open(pc, "add_transceiver");
    if (err == KITH_OK && init)
        err = kith_config_read(&known, sizeof known, init, "KITH_TRANSCEIVER_INIT");
    if (err == KITH_OK && (!is_kind(kind) || known.direction >= KITH_DIRECTION_STOPPED))
        err = kith_fail(KITH_ERR_TYPE, "add_transceiver: no such kind or direction");
    if (err == KITH_OK)
        err = make(pc, kind, &known, out);
    if (err == KITH_OK)
        kith_jsep_update_negotiation_needed(pc);
    return err;
}

/* ---- tracks ---- */

/* webrtc-pc addTrack(), step 8: it has no track, never sent, and is of the track's kind. */
static kith_transceiver *find_reusable(kith_pc *pc, kith_media_kind kind)
{
    KITH_LIST_EACH(&pc->transceivers.all, node) {
        kith_transceiver *t = KITH_OWNER(node, kith_transceiver, in_pc);
        if (t->kind == kind && !t->sender.has_track && !t->sender.has_sent && !t->is_stopping)
            return t;
    }
    return NULL;
}

static bool has_track(kith_pc *pc, const char *track_id)
{
    KITH_LIST_EACH(&pc->transceivers.all, node) {
        const kith_sender *sender = &KITH_OWNER(node, kith_transceiver, in_pc)->sender;
        if (track_id && sender->has_track && strcmp(sender->track_id, track_id) == 0)
            return true;
    }
    return false;
}

kith_err kith_pc_add_track(kith_pc *pc, kith_media_kind kind, const char *track_id,
                           const char *const *streams, size_t stream_count, kith_sender **out)
{
    kith_err err = check_open(pc, "add_track");
    if (err != KITH_OK)
        return err;
    if (!is_kind(kind))
        return kith_fail(KITH_ERR_TYPE, "add_track: no such kind");
    if (has_track(pc, track_id))
        return kith_fail(KITH_ERR_INVALID_ACCESS, "add_track: a sender has the track %s", track_id);
    kith_transceiver *t = find_reusable(pc, kind);
    const kith_transceiver_init init = {
        .track_id = track_id, .streams = streams, .stream_count = stream_count};
    err = t ? kith_sender_set_track(&t->sender, track_id, streams, stream_count)
            : make(pc, kind, &init, &t);
    if (err != KITH_OK)
        return err;
    t->direction = kith_direction_of(true, kith_direction_receives(t->direction));
    t->is_added_by_track = true;
    if (out)
        *out = &t->sender;
    kith_jsep_update_negotiation_needed(pc);
    return KITH_OK;
}

kith_err kith_pc_remove_track(kith_pc *pc, kith_sender *sender)
{
    kith_transceiver *t = sender->transceiver;
    kith_err err = check_open(pc, "remove_track");
    if (err != KITH_OK)
        return err;
    if (t->pc != pc)
        return kith_fail(KITH_ERR_INVALID_ACCESS, "remove_track: another peer connection's sender");
    if (!sender->has_track || t->is_stopping)
        return KITH_OK;
    sender->has_track = false;
    t->direction = kith_direction_of(false, kith_direction_receives(t->direction));
    kith_jsep_update_negotiation_needed(pc);
    return KITH_OK;
}

/* ---- the set ---- */

kith_transceiver *kith_pc_transceiver_at(const kith_pc *pc, size_t index)
{
    KITH_LIST_EACH((kith_list *)&pc->transceivers.all, node)
        if (index-- == 0)
            return KITH_OWNER(node, kith_transceiver, in_pc);
    return NULL;
}

size_t kith_pc_transceiver_count(const kith_pc *pc)
{
    size_t count = 0;
    KITH_LIST_EACH((kith_list *)&pc->transceivers.all, node)
        count++;
    return count;
}

/* ---- one transceiver ---- */

void *kith_transceiver_user(const kith_transceiver *t)
{
    return t->user;
}

void kith_transceiver_set_user(kith_transceiver *t, void *user)
{
    t->user = user;
}

kith_media_kind kith_transceiver_kind(const kith_transceiver *t)
{
    return t->kind;
}

/* A section as a description has it; NULL: the description has fewer. */
static const kith_sdp_media *section_in(const kith_transceiver *t, const kith_description *d)
{
    return d && t->section >= 0 && (size_t)t->section < d->sdp->media.count
               ? d->sdp->media.items[t->section]
               : NULL;
}

static const kith_sdp_media *remote_section(const kith_transceiver *t)
{
    const kith_sdp_media *m = section_in(t, t->pc->jsep.pending_remote);
    return m ? m : section_in(t, t->pc->jsep.current_remote);
}

/* An answer has the mids of its offer. */
const char *kith_transceiver_mid(const kith_transceiver *t)
{
    const kith_jsep *jsep = &t->pc->jsep;
    const kith_sdp_media *m = section_in(t, jsep->pending_local);
    if (!m)
        m = section_in(t, jsep->pending_remote);
    if (!m)
        m = section_in(t, jsep->current_local);
    return m ? m->mid : NULL;
}

kith_sender *kith_transceiver_sender(kith_transceiver *t)
{
    return &t->sender;
}

kith_receiver *kith_transceiver_receiver(kith_transceiver *t)
{
    return &t->receiver;
}

kith_direction kith_transceiver_direction(const kith_transceiver *t)
{
    return t->direction;
}

kith_direction kith_transceiver_current_direction(const kith_transceiver *t)
{
    return t->current_direction;
}

kith_err kith_transceiver_set_direction(kith_transceiver *t, kith_direction direction)
{
    kith_err err = check_open(t->pc, "set_direction");
    if (err != KITH_OK)
        return err;
    if (t->is_stopping)
        return kith_fail(KITH_ERR_INVALID_STATE, "set_direction: the transceiver was stopped");
    if ((unsigned)direction >= KITH_DIRECTION_STOPPED)
        return kith_fail(KITH_ERR_TYPE, "set_direction: none that can be set");
    t->direction = direction;
    kith_jsep_update_negotiation_needed(t->pc);
    return KITH_OK;
}

/* One that no description knows has nobody to tell. */
kith_err kith_transceiver_stop(kith_transceiver *t)
{
    kith_err err = check_open(t->pc, "stop");
    if (err != KITH_OK || t->is_stopping)
        return err;
    t->is_stopping = true;
    t->direction = KITH_DIRECTION_STOPPED;
    kith_media_remove_sender(&t->sender);
    kith_sender_tell(&t->sender);
    kith_bitrate_share(t->pc);
    if (t->section < 0 && t->offered < 0)
        kith_transceiver_end(t);
    kith_jsep_update_negotiation_needed(t->pc);
    return KITH_OK;
}

/* webrtc-pc section 5.4, "codec dictionary match": all members, letter by letter. */
static bool is_capability(const kith_codec *row, kith_media_kind kind, const kith_rtp_codec *codec)
{
    const char *ours = row->codec.sdp_fmtp_line, *theirs = codec->sdp_fmtp_line;
    return row->kind == kind && kith_codec_is(row, codec) &&
           (ours && theirs ? strcmp(ours, theirs) == 0 : ours == theirs);
}

static const kith_codec *find_capability(const kith_transceiver *t, const kith_rtp_codec *codec)
{
    const kith_codec *row;
    for (size_t i = 0; (row = kith_codec_at(&t->pc->transceivers.codecs, i)); i++)
        if (is_capability(row, t->kind, codec))
            return row;
    return NULL;
}

/* Adds a row, once. */
static void prefer(kith_transceiver *t, const kith_codec *row)
{
    for (size_t i = 0; i < t->preferred_count; i++)
        if (t->preferred[i] == row)
            return;
    t->preferred[t->preferred_count++] = row;
}

kith_err kith_transceiver_set_codec_preferences(kith_transceiver *t, const kith_rtp_codec *codecs,
                                                size_t count)
{
    kith_err err = check_open(t->pc, "set_codec_preferences");
    if (err == KITH_OK && t->is_stopping)
        err = kith_fail(KITH_ERR_INVALID_STATE, "set_codec_preferences: it was stopped");
    if (err == KITH_OK && count > 0 && !codecs)
        err = kith_fail(KITH_ERR_TYPE, "set_codec_preferences: codecs are missing");
    for (size_t i = 0; err == KITH_OK && i < count; i++)
        if (!find_capability(t, &codecs[i]))
            err = kith_fail(KITH_ERR_INVALID_MODIFICATION,
                            "set_codec_preferences: %s is not as kith_rtp_capability_at has it",
                            codecs[i].mime_type ? codecs[i].mime_type : "a codec without a name");
    if (err != KITH_OK)
        return err;
    t->preferred_count = 0;
    for (size_t i = 0; i < count; i++)
        prefer(t, find_capability(t, &codecs[i]));
    return KITH_OK;
}

/* ---- senders and receivers ---- */

kith_transceiver *kith_sender_transceiver(const kith_sender *sender)
{
    return sender->transceiver;
}

const char *kith_sender_track_id(const kith_sender *sender)
{
    return sender->has_track ? sender->track_id : NULL;
}

/* A track has one kind, wherever it is. */
static bool is_of_other_kind(const kith_transceiver *t, const char *track_id)
{
    KITH_LIST_EACH(&t->pc->transceivers.all, node) {
        const kith_transceiver *other = KITH_OWNER(node, kith_transceiver, in_pc);
        if (other->kind != t->kind && other->sender.has_track &&
            strcmp(other->sender.track_id, track_id) == 0)
            return true;
    }
    return false;
}

/* webrtc-pc section 5.2, replaceTrack(). */
kith_err kith_sender_replace_track(kith_sender *sender, const char *track_id)
{
    const kith_transceiver *t = sender->transceiver;
    kith_err err = check_open(t->pc, "replace_track");
    if (err == KITH_OK && track_id)
        err = check_id("track", track_id);
    if (err == KITH_OK && track_id && is_of_other_kind(t, track_id))
        err = kith_fail(KITH_ERR_TYPE, "replace_track: %s is a track of the other kind", track_id);
    if (err == KITH_OK && t->is_stopping)
        err = kith_fail(KITH_ERR_INVALID_STATE, "replace_track: the transceiver was stopped");
    if (err != KITH_OK)
        return err;
    sender->has_track = track_id;
    sender->is_silenced = !track_id;
    if (track_id)
        memcpy(sender->track_id, track_id, strlen(track_id) + 1);
    kith_sender_tell(sender);
    kith_bitrate_share(sender->transceiver->pc);
    return KITH_OK;
}

kith_err kith_sender_set_streams(kith_sender *sender, const char *const *streams, size_t count)
{
    kith_pc *pc = sender->transceiver->pc;
    kith_err err = check_open(pc, "set_streams");
    if (err == KITH_OK)
        err = set_streams(sender, streams, count);
    if (err == KITH_OK)
        kith_jsep_update_negotiation_needed(pc);
    return err;
}

kith_transceiver *kith_receiver_transceiver(const kith_receiver *receiver)
{
    return receiver->transceiver;
}

const char *kith_receiver_track_id(const kith_receiver *receiver)
{
    const kith_sdp_media *m = remote_section(receiver->transceiver);
    return m && m->msids.count > 0 ? m->msids.items[0].track : NULL;
}

bool kith_receiver_is_muted(const kith_receiver *receiver)
{
    return receiver->is_muted;
}

/* RFC 8830 section 2: "-" is no stream. */
const char *kith_receiver_stream_at(const kith_receiver *receiver, size_t index)
{
    const kith_sdp_media *m = remote_section(receiver->transceiver);
    for (size_t i = 0; m && i < m->msids.count; i++)
        if (strcmp(m->msids.items[i].stream, "-") != 0 && index-- == 0)
            return m->msids.items[i].stream;
    return NULL;
}

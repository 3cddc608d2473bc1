/* Receiving. libsrtp2 makes a stream of an SSRC when its first packet is verified; here is what it
 * lacks: a bound, memory of what had to go, and other rollover counters than 0 to begin with. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/reader.h"
#include "crypto/random.h"
#include "srtp/packet.h"
#include "srtp/session.h"

/* AES-GCM has written over a packet when it finds it forged: one that may be tried again is copied
 * first. Longer ones are tried once; none of WebRTC is. */
#define LONGEST_TRIED_AGAIN 2048

/* A wrap was lost, of a peer that began near 65535 or of one of which much was: after so many
 * failures in a row the next rollover is tried, at every failure up to the second number, then ever
 * more seldom, for the packets may be forged. */
#define FAILURES_BEFORE_TRIAL 3
#define FAILURES_TRIED_ALL    16
/* A stream with its keys costs fifty times what it takes to find a packet forged: so many at once,
 * and later one for each packet that was verified. */
#define MAX_TRIALS 256

typedef enum outcome { VERIFIED, MALFORMED, FORGED, REPLAYED, NO_MEMORY } outcome;

typedef struct packet {
    uint8_t *data;
    size_t len;
    /* what it was; NULL: there is no copy */
    const uint8_t *copy;
    /* of the plain one, once verified */
    size_t plain_len;
    kith_srtp_rtp_header header;
} packet;

static bool restore(packet *p)
{
    if (p->copy)
        memcpy(p->data, p->copy, p->len);
    return p->copy;
}

static outcome outcome_of(srtp_err_status_t status)
{
    switch ((int)status) {
    case srtp_err_status_ok:
        return VERIFIED;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
        return REPLAYED;
    case srtp_err_status_alloc_fail:
    case srtp_err_status_init_fail:
        return NO_MEMORY;
    default:
        return FORGED;
    }
}

/* ---- streams ---- */

kith_err kith_srtp_inbound_new(kith_srtp_inbound **out, const kith_srtp_material *material,
                               const kith_srtp_ssrcs *owned)
{
    const uint64_t seed[2] = {kith_random_u64(), kith_random_u64()};
    kith_srtp_inbound *in = kith_alloc_zero(1, sizeof *in);
    if (!in)
        return kith_fail_memory();
    kith_map_init(&in->streams, seed);
    kith_list_init(&in->by_use);
    in->trials = MAX_TRIALS;
    in->owned = owned;
    in->material = *material;
    srtp_policy_t policy = kith_srtp_policy(&in->material, ssrc_any_inbound, 0);
    srtp_err_status_t status = srtp_create(&in->libsrtp, &policy);
    if (status != srtp_err_status_ok) {
        in->libsrtp = NULL;
        kith_srtp_inbound_free(in);
        return kith_srtp_fail(status);
    }
    *out = in;
    return KITH_OK;
}

void kith_srtp_inbound_free(kith_srtp_inbound *in)
{
    if (!in)
        return;
    KITH_LIST_EACH(&in->by_use, node)
        kith_free(KITH_OWNER(node, kith_srtp_stream, use));
    kith_free(in->spare);
    kith_map_deinit(&in->streams);
    kith_srtp_remembered_deinit(&in->gone);
    if (in->libsrtp)
        (void)srtp_dealloc(in->libsrtp);
    kith_wipe(&in->material, sizeof in->material);
    kith_free(in);
}

/* Packets of a stream come together. */
static kith_srtp_stream *find_stream(kith_srtp_inbound *in, uint32_t ssrc)
{
    if (in->recent && in->recent->reached.ssrc == ssrc)
        return in->recent;
    kith_map_node *node = kith_map_find(&in->streams, kith_span_of(&ssrc, sizeof ssrc));
    if (!node)
        return NULL;
    in->recent = KITH_OWNER(node, kith_srtp_stream, node);
    return in->recent;
}

void kith_srtp_inbound_own(kith_srtp_inbound *in, uint32_t ssrc, bool owned)
{
    kith_srtp_stream *stream = find_stream(in, ssrc);
    if (stream)
        stream->owned = owned;
}

/* Before a packet of a new SSRC is looked at: what it needs when it is verified. */
static bool make_room(kith_srtp_inbound *in)
{
    if (in->streams.count >= KITH_SRTP_MAX_SSRCS && !kith_srtp_remembered_reserve(&in->gone))
        return false;
    if (!in->spare)
        in->spare = kith_alloc_zero(1, sizeof *in->spare);
    return in->spare;
}

static void forget(kith_srtp_inbound *in, kith_srtp_stream *stream)
{
    kith_srtp_reached *reached = &stream->reached;
    if (reached->rtp_next < stream->rtp_floor)
        reached->rtp_next = stream->rtp_floor;
    if (reached->rtcp_next < stream->rtcp_floor)
        reached->rtcp_next = stream->rtcp_floor;
    kith_srtp_remembered_put(&in->gone, *reached);
    kith_srtp_remove_stream(in->libsrtp, reached->ssrc);
    kith_map_remove(&in->streams, &stream->node);
    kith_list_remove(&stream->use);
    if (in->recent == stream)
        in->recent = NULL;
    kith_free(stream);
}

void kith_srtp_inbound_forget(kith_srtp_inbound *in, uint32_t ssrc)
{
    kith_srtp_stream *stream = find_stream(in, ssrc);
    if (stream && kith_srtp_remembered_reserve(&in->gone))
        forget(in, stream);
}

/* Whom a new stream, which is the last in use, takes the place of. */
static kith_srtp_stream *longest_unused(const kith_srtp_inbound *in,
                                        const kith_srtp_stream *newcomer)
{
    KITH_LIST_EACH(&in->by_use, node) {
        kith_srtp_stream *stream = KITH_OWNER(node, kith_srtp_stream, use);
        if (!stream->owned && stream != newcomer)
            return stream;
    }
    return KITH_OWNER(kith_list_first(&in->by_use), kith_srtp_stream, use);
}

/* The first packet of an SSRC was verified. NULL: no memory for the table of streams. */
static kith_srtp_stream *add_stream(kith_srtp_inbound *in, uint32_t ssrc, uint64_t *full)
{
    kith_srtp_stream *stream = in->spare;
    const kith_srtp_reached *before = kith_srtp_remembered_find(&in->gone, ssrc);
    *stream = (kith_srtp_stream){.reached = {.ssrc = ssrc}};
    if (before) {
        stream->rtp_floor = before->rtp_next;
        stream->rtcp_floor = before->rtcp_next;
    }
    stream->owned = kith_srtp_ssrcs_have(in->owned, ssrc);
    kith_span key = kith_span_of(&stream->reached.ssrc, sizeof stream->reached.ssrc);
    if (kith_map_add(&in->streams, &stream->node, key) != KITH_OK) {
        kith_srtp_remove_stream(in->libsrtp, ssrc);
        return NULL;
    }
    in->spare = NULL;
    kith_list_append(&in->by_use, &stream->use);
    if (in->streams.count > KITH_SRTP_MAX_SSRCS) {
        forget(in, longest_unused(in, stream));
        ++*full;
    }
    return stream;
}

/* A packet of it was verified. */
static void note_use(kith_srtp_inbound *in, kith_srtp_stream *stream)
{
    in->trials += in->trials < MAX_TRIALS;
    kith_list_remove(&stream->use);
    kith_list_append(&in->by_use, &stream->use);
}

/* ---- RTP ---- */

static outcome unprotect_rtp(kith_srtp_inbound *in, packet *p)
{
    int len = (int)p->len;
    outcome verdict = outcome_of(srtp_unprotect(in->libsrtp, p->data, &len));
    p->plain_len = (size_t)len;
    return verdict;
}

/* As a packet of that rollover, of an SSRC whose index libsrtp2 does not know; it may have a stream
 * by its RTCP. */
static outcome try_rollover(kith_srtp_inbound *in, uint32_t ssrc, uint64_t rollover, packet *p)
{
    if (rollover == 0)
        return unprotect_rtp(in, p);
    bool is_new = !find_stream(in, ssrc);
    if (is_new && in->trials == 0)
        return FORGED;
    if (is_new) {
        in->trials--;
        srtp_policy_t policy = kith_srtp_policy(&in->material, ssrc_specific, ssrc);
        srtp_err_status_t status = srtp_add_stream(in->libsrtp, &policy);
        if (status != srtp_err_status_ok)
            return outcome_of(status);
    }
    (void)srtp_set_stream_roc(in->libsrtp, ssrc, (uint32_t)rollover);
    outcome verdict = unprotect_rtp(in, p);
    if (verdict != VERIFIED && is_new)
        kith_srtp_remove_stream(in->libsrtp, ssrc);
    else /* if the packet is exactly 2^15 ahead, libsrtp2 keeps it and refuses the next wrap */
        (void)srtp_set_stream_roc(in->libsrtp, ssrc, 0);
    return verdict;
}

static kith_srtp_suspect *find_suspect(kith_srtp_inbound *in, uint32_t ssrc)
{
    for (size_t i = 0; i < KITH_SRTP_SUSPECTS; i++)
        if (in->suspects[i].failures > 0 && in->suspects[i].ssrc == ssrc)
            return &in->suspects[i];
    return NULL;
}

static bool is_trial_due(uint32_t failures)
{
    if (failures < FAILURES_BEFORE_TRIAL)
        return false;
    return failures <= FAILURES_TRIED_ALL || (failures & (failures - 1)) == 0;
}

/* Of an SSRC without index. */
static uint32_t count_failure(kith_srtp_inbound *in, uint32_t ssrc)
{
    kith_srtp_suspect *suspect = find_suspect(in, ssrc);
    if (!suspect) {
        suspect = &in->suspects[in->next_suspect];
        in->next_suspect = (in->next_suspect + 1) % KITH_SRTP_SUSPECTS;
        *suspect = (kith_srtp_suspect){.ssrc = ssrc};
    }
    return ++suspect->failures;
}

/* What is known of the index of an SSRC that has none yet; 0: nothing. */
static uint64_t rtp_floor_of(const kith_srtp_inbound *in, const kith_srtp_stream *stream,
                             uint32_t ssrc)
{
    if (stream)
        return stream->rtp_floor;
    const kith_srtp_reached *before = kith_srtp_remembered_find(&in->gone, ssrc);
    return before ? before->rtp_next : 0;
}

/* Where the first packet of an SSRC may be, or of one that had to go. */
static uint64_t index_of_first(const kith_srtp_inbound *in, const kith_srtp_stream *stream,
                               const packet *p)
{
    uint64_t floor = rtp_floor_of(in, stream, p->header.ssrc);
    uint16_t number = p->header.sequence_number;
    return floor > 0 ? kith_srtp_guess_index(floor - 1, number) : number;
}

/* The first RTP packet of an SSRC was verified, and is of this index. */
static outcome settle(kith_srtp_session *session, kith_srtp_stream *stream, uint32_t ssrc,
                      uint64_t index)
{
    kith_srtp_inbound *in = session->inbound;
    kith_srtp_suspect *suspect = find_suspect(in, ssrc);
    if (suspect)
        suspect->failures = 0;
    if (!stream)
        stream = add_stream(in, ssrc, &session->counters.full);
    if (!stream)
        return NO_MEMORY;
    stream->reached.rtp_next = index + 1;
    note_use(in, stream);
    return VERIFIED;
}

/* `index` is where the packet was looked for. When more than 2^15 packets in a row were lost the
 * numbers do not tell that they wrapped (RFC 3711 section 3.3.1): what is nothing there is tried
 * one rollover later, where nothing was taken yet. */
static outcome try_next_rollover(kith_srtp_inbound *in, kith_srtp_stream *stream, packet *p,
                                 uint64_t *index)
{
    uint64_t rollover = (*index >> 16) + 1;
    if (!is_trial_due(++stream->failures) || rollover > UINT32_MAX || !restore(p))
        return FORGED;
    *index += 0x10000;
    return try_rollover(in, p->header.ssrc, rollover, p);
}

static outcome receive_settled(kith_srtp_inbound *in, kith_srtp_stream *stream, packet *p)
{
    kith_srtp_reached *reached = &stream->reached;
    uint64_t index = kith_srtp_guess_index(reached->rtp_next - 1, p->header.sequence_number);
    outcome verdict = index < stream->rtp_floor ? REPLAYED : unprotect_rtp(in, p);
    bool may_be_later = verdict == FORGED || verdict == REPLAYED;
    if (may_be_later && try_next_rollover(in, stream, p, &index) == VERIFIED)
        verdict = VERIFIED;
    if (verdict != VERIFIED)
        return verdict;
    stream->failures = 0;
    if (index >= reached->rtp_next)
        reached->rtp_next = index + 1;
    note_use(in, stream);
    return VERIFIED;
}

static outcome receive_rtp(kith_srtp_session *session, packet *p)
{
    kith_srtp_inbound *in = session->inbound;
    size_t tag_len = in->material.profile->tag_len;
    if (p->len < tag_len || !kith_srtp_read_rtp(&p->header, p->data, p->len - tag_len))
        return MALFORMED;
    kith_srtp_stream *stream = find_stream(in, p->header.ssrc);
    if (stream && stream->reached.rtp_next > 0)
        return receive_settled(in, stream, p);
    if (!stream && !make_room(in))
        return NO_MEMORY;
    uint64_t index = index_of_first(in, stream, p);
    if (index < rtp_floor_of(in, stream, p->header.ssrc))
        return REPLAYED;
    outcome verdict = try_rollover(in, p->header.ssrc, index >> 16, p);
    return verdict == VERIFIED ? settle(session, stream, p->header.ssrc, index) : verdict;
}

/* What nothing else explains, of an SSRC that is new or had to go: a wrap may have been lost since.
 * Of one that is new only low numbers are behind it. */
static outcome receive_after_lost_wrap(kith_srtp_session *session, packet *p, outcome so_far)
{
    kith_srtp_inbound *in = session->inbound;
    uint32_t ssrc = p->header.ssrc;
    kith_srtp_stream *stream = find_stream(in, ssrc);
    if (stream && stream->reached.rtp_next > 0)
        return so_far;
    bool is_known = rtp_floor_of(in, stream, ssrc) > 0;
    uint64_t index = index_of_first(in, stream, p) + 0x10000;
    if (!is_known && p->header.sequence_number >= 0x8000)
        return so_far;
    if (!is_trial_due(count_failure(in, ssrc)) || index >> 16 > UINT32_MAX || !restore(p))
        return so_far;
    outcome verdict = try_rollover(in, ssrc, index >> 16, p);
    if (verdict == VERIFIED)
        return settle(session, stream, ssrc, index);
    return verdict == NO_MEMORY ? NO_MEMORY : so_far;
}

/* ---- RTCP ---- */

/* E bit and index, which stand before the tag of AES-CM and behind that of AES-GCM (RFC 3711
 * section 3.4, RFC 7714 section 9.2). False: too short, or not encrypted. */
static bool read_trailer(const kith_srtp_inbound *in, const packet *p, uint32_t *index)
{
    const kith_srtp_profile *profile = in->material.profile;
    if (p->len < profile->tag_len + KITH_SRTP_RTCP_TRAILER)
        return false;
    size_t at = p->len - KITH_SRTP_RTCP_TRAILER - (profile->tag_is_last ? profile->tag_len : 0);
    kith_reader trailer = kith_rd(p->data + at, KITH_SRTP_RTCP_TRAILER);
    uint32_t value = kith_rd_u32(&trailer);
    *index = value & 0x7fffffff;
    return value >> 31;
}

/* As rtp_floor_of. */
static uint32_t rtcp_floor_of(const kith_srtp_inbound *in, const kith_srtp_stream *stream,
                              uint32_t ssrc)
{
    if (stream)
        return stream->rtcp_floor;
    const kith_srtp_reached *before = kith_srtp_remembered_find(&in->gone, ssrc);
    return before ? before->rtcp_next : 0;
}

static outcome receive_rtcp(kith_srtp_session *session, packet *p)
{
    kith_srtp_inbound *in = session->inbound;
    uint32_t ssrc, index;
    size_t tag_len = in->material.profile->tag_len;
    if (!read_trailer(in, p, &index) ||
        !kith_srtp_read_rtcp(&ssrc, p->data, p->len - tag_len - KITH_SRTP_RTCP_TRAILER))
        return MALFORMED;
    kith_srtp_stream *stream = find_stream(in, ssrc);
    if (!stream && !make_room(in))
        return NO_MEMORY;
    uint32_t floor = rtcp_floor_of(in, stream, ssrc);
    if (index < floor)
        return REPLAYED;
    int len = (int)p->len;
    outcome verdict = outcome_of(srtp_unprotect_rtcp(in->libsrtp, p->data, &len));
    if (verdict != VERIFIED)
        return verdict;
    p->plain_len = (size_t)len;
    if (!stream)
        stream = add_stream(in, ssrc, &session->counters.full);
    if (!stream)
        return NO_MEMORY;
    if (index >= stream->reached.rtcp_next)
        stream->reached.rtcp_next = index + 1;
    note_use(in, stream);
    return VERIFIED;
}

/* ---- what came of it ---- */

static size_t count(kith_srtp_session *session, outcome verdict)
{
    kith_srtp_counters *counters = &session->counters;
    switch (verdict) {
    case VERIFIED:
        break;
    case MALFORMED:
        counters->malformed++;
        break;
    case FORGED:
        counters->auth_failed++;
        break;
    case REPLAYED:
        counters->replayed++;
        break;
    case NO_MEMORY:
        counters->no_memory++;
        break;
    }
    return 0;
}

/* May it be tried again when it is found forged? */
static bool needs_copy(const kith_srtp_session *session, const packet *p)
{
    kith_srtp_rtp_header header;
    if (p->len > LONGEST_TRIED_AGAIN || !kith_srtp_read_rtp(&header, p->data, p->len))
        return false;
    const kith_srtp_stream *stream = find_stream(session->inbound, header.ssrc);
    return !stream || stream->reached.rtp_next == 0 ||
           stream->failures >= FAILURES_BEFORE_TRIAL - 1;
}

size_t kith_srtp_unprotect_rtp(kith_srtp_session *session, uint8_t *data, size_t len)
{
    uint8_t copy[LONGEST_TRIED_AGAIN];
    packet p = {.data = data, .len = len};
    if (len > UINT16_MAX)
        return count(session, MALFORMED);
    if (needs_copy(session, &p))
        p.copy = memcpy(copy, data, len);
    outcome verdict = receive_rtp(session, &p);
    if (verdict == FORGED || verdict == REPLAYED)
        verdict = receive_after_lost_wrap(session, &p, verdict);
    return verdict == VERIFIED ? p.plain_len : count(session, verdict);
}

size_t kith_srtp_unprotect_rtcp(kith_srtp_session *session, uint8_t *data, size_t len)
{
    packet p = {.data = data, .len = len};
    if (len > UINT16_MAX)
        return count(session, MALFORMED);
    outcome verdict = receive_rtcp(session, &p);
    return verdict == VERIFIED ? p.plain_len : count(session, verdict);
}

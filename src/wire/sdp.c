/* The tree of a description: making one, adding to it, and asking it what is inherited from the
 * session and what stands for what is not said. Text goes in through sdp_parse.c and out through
 * sdp_write.c. */
#include "wire/sdp.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "wire/sdp_attribute.h"

/* ---- building ---- */

kith_err kith_sdp_new(kith_sdp **out)
{
    kith_sdp *sdp = kith_alloc_zero(1, sizeof *sdp);
    if (!sdp)
        return kith_fail_memory();
    kith_arena_init(&sdp->arena);
    sdp->origin = (kith_sdp_origin){
        .username = "-", .nettype = "IN", .addrtype = "IP4", .address = "0.0.0.0"};
    sdp->name = "-";
    *out = sdp;
    return KITH_OK;
}

void kith_sdp_free(kith_sdp *sdp)
{
    if (!sdp)
        return;
    kith_arena_deinit(&sdp->arena);
    kith_free(sdp);
}

bool kith_sdp_bad(const kith_sdp *sdp)
{
    return sdp->arena.bad;
}

const char *kith_sdp_text(kith_sdp *sdp, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = kith_arena_vprint(&sdp->arena, format, args);
    va_end(args);
    return text ? text : "";
}

const char *kith_sdp_copy(kith_sdp *sdp, kith_span span)
{
    const char *text = kith_arena_text(&sdp->arena, span);
    return text ? text : "";
}

/* Lists double: whenever the count is 0 or a power of two, the room is used up and twice as much is
 * taken from the arena. So a list needs no capacity of its own, and at most half of it is waste. */
void *kith_sdp_append(kith_sdp *sdp, void *list, size_t item_size)
{
    KITH_SDP_LIST(void)
    any; /* all lists look the same; which type they point to does not matter here */
    memcpy(&any, list, sizeof any);
    if ((any.count & (any.count - 1)) == 0) {
        void *grown = kith_arena_alloc(&sdp->arena, (any.count ? 2 * any.count : 1) * item_size);
        if (!grown)
            return NULL;
        if (any.count > 0)
            memcpy(grown, any.items, any.count * item_size);
        any.items = grown;
    }
    void *item = (char *)any.items + any.count * item_size;
    any.count++;
    memcpy(list, &any, sizeof any);
    return item;
}

kith_sdp_media *kith_sdp_add_media(kith_sdp *sdp, const char *kind, uint16_t port,
                                   const char *proto)
{
    kith_sdp_media *m = kith_arena_alloc(&sdp->arena, sizeof *m);
    if (!m)
        return NULL;
    m->kind = kith_sdp_copy(sdp, kith_span_text(kind));
    m->port = port;
    m->proto = kith_sdp_copy(sdp, kith_span_text(proto));
    kith_sdp_media **place = KITH_SDP_APPEND(sdp, sdp->media);
    if (!place)
        return NULL;
    *place = m;
    return m;
}

void kith_sdp_add_text(kith_sdp *sdp, kith_sdp_texts *list, const char *text)
{
    const char *copy = kith_sdp_copy(sdp, kith_span_text(text));
    const char **place = KITH_SDP_APPEND(sdp, *list);
    if (place)
        *place = copy;
}

void kith_sdp_add_to_group(kith_sdp *sdp, const char *semantics, const char *mid)
{
    for (size_t i = 0; i < sdp->groups.count; i++)
        if (strcmp(sdp->groups.items[i].semantics, semantics) == 0) {
            kith_sdp_add_text(sdp, &sdp->groups.items[i].mids, mid);
            return;
        }
    const char *copy = kith_sdp_copy(sdp, kith_span_text(semantics));
    kith_sdp_group *group = KITH_SDP_APPEND(sdp, sdp->groups);
    if (!group)
        return;
    group->semantics = copy;
    kith_sdp_add_text(sdp, &group->mids, mid);
}

void kith_sdp_add_fingerprint(kith_sdp *sdp, kith_sdp_common *common, const kith_fingerprint *fp)
{
    kith_fingerprint *place = KITH_SDP_APPEND(sdp, common->fingerprints);
    if (place)
        *place = *fp;
}

void kith_sdp_add_candidate(kith_sdp *sdp, kith_sdp_media *m, const kith_candidate *candidate)
{
    kith_candidate *place = KITH_SDP_APPEND(sdp, m->candidates);
    if (place)
        *place = *candidate;
}

void kith_sdp_add_bandwidth(kith_sdp *sdp, kith_sdp_common *common, const char *type,
                            uint64_t value)
{
    const char *copy = kith_sdp_copy(sdp, kith_span_text(type));
    kith_sdp_bandwidth *place = KITH_SDP_APPEND(sdp, common->bandwidths);
    if (place)
        *place = (kith_sdp_bandwidth){.type = copy, .value = value};
}

/* ---- finding ---- */

kith_sdp_media *kith_sdp_find_mid(const kith_sdp *sdp, const char *mid)
{
    for (size_t i = 0; mid && i < sdp->media.count; i++)
        if (sdp->media.items[i]->mid && strcmp(sdp->media.items[i]->mid, mid) == 0)
            return sdp->media.items[i];
    return NULL;
}

int kith_sdp_index_of(const kith_sdp *sdp, const kith_sdp_media *m)
{
    for (size_t i = 0; i < sdp->media.count; i++)
        if (sdp->media.items[i] == m)
            return (int)i;
    return -1;
}

bool kith_sdp_texts_have(const kith_sdp_texts *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

const kith_sdp_group *kith_sdp_find_group(const kith_sdp *sdp, const char *semantics,
                                          const char *mid)
{
    for (size_t i = 0; i < sdp->groups.count; i++) {
        const kith_sdp_group *group = &sdp->groups.items[i];
        if (strcmp(group->semantics, semantics) == 0 &&
            (!mid || kith_sdp_texts_have(&group->mids, mid)))
            return group;
    }
    return NULL;
}

const kith_sdp_rtpmap *kith_sdp_find_rtpmap(const kith_sdp_media *m, int payload_type)
{
    for (size_t i = 0; i < m->rtpmaps.count; i++)
        if (m->rtpmaps.items[i].payload_type == payload_type)
            return &m->rtpmaps.items[i];
    return NULL;
}

const kith_sdp_fmtp *kith_sdp_find_fmtp(const kith_sdp_media *m, int payload_type)
{
    for (size_t i = 0; i < m->fmtps.count; i++)
        if (m->fmtps.items[i].payload_type == payload_type)
            return &m->fmtps.items[i];
    return NULL;
}

const kith_sdp_rid *kith_sdp_find_rid(const kith_sdp_media *m, const char *id)
{
    for (size_t i = 0; i < m->rids.count; i++)
        if (strcmp(m->rids.items[i].id, id) == 0)
            return &m->rids.items[i];
    return NULL;
}

/* ---- what a section is ---- */

bool kith_sdp_is_rejected(const kith_sdp_media *m)
{
    return m->port == 0 && !m->bundle_only;
}

bool kith_sdp_is_rtp(const kith_sdp_media *m)
{
    return strncmp(m->proto, "RTP/", 4) == 0 || strstr(m->proto, "/RTP/");
}

/* draft-ietf-mmusic-sctp-sdp-07: the format is the port, and a=sctpmap names the protocol. */
static bool is_old_sctp(const kith_sdp_media *m)
{
    return strcmp(m->proto, "DTLS/SCTP") == 0;
}

bool kith_sdp_is_data(const kith_sdp_media *m)
{
    if (strcmp(m->kind, "application") != 0)
        return false;
    if (is_old_sctp(m)) {
        for (size_t i = 0; i < m->sctpmaps.count; i++)
            if (strcmp(m->sctpmaps.items[i].protocol, "webrtc-datachannel") == 0)
                return true;
    }
    bool sctp = is_old_sctp(m) || strcmp(m->proto, "UDP/DTLS/SCTP") == 0 ||
                strcmp(m->proto, "TCP/DTLS/SCTP") == 0;
    return sctp && m->formats.count == 1 && strcmp(m->formats.items[0], "webrtc-datachannel") == 0;
}

int kith_sdp_sctp_port(const kith_sdp_media *m)
{
    uint64_t port;
    if (m->has_sctp_port)
        return m->sctp_port;
    if (m->sctpmaps.count > 0)
        return m->sctpmaps.items[0].port;
    if (is_old_sctp(m) && m->formats.count > 0 &&
        kith_span_u64(kith_span_text(m->formats.items[0]), UINT16_MAX, &port))
        return (int)port;
    /* RFC 8841 section 5 wants a=sctp-port; one browser goes on with 5000 without it. */
    return kith_sdp_is_data(m) ? KITH_SDP_DEFAULT_SCTP_PORT : -1;
}

uint64_t kith_sdp_max_message_size(const kith_sdp_media *m)
{
    return m->has_max_message_size ? m->max_message_size : KITH_SDP_DEFAULT_MAX_MESSAGE_SIZE;
}

/* ---- of the section, else of the session ---- */

/* RFC 8839 section 5.4 lets each of the two stand at either level, and peers mix them. */
const char *kith_sdp_ice_ufrag(const kith_sdp *sdp, const kith_sdp_media *m)
{
    return m && m->common.ice_ufrag ? m->common.ice_ufrag : sdp->common.ice_ufrag;
}

const char *kith_sdp_ice_pwd(const kith_sdp *sdp, const kith_sdp_media *m)
{
    return m && m->common.ice_pwd ? m->common.ice_pwd : sdp->common.ice_pwd;
}

const kith_sdp_texts *kith_sdp_ice_options(const kith_sdp *sdp, const kith_sdp_media *m)
{
    return m && m->common.ice_options.count > 0 ? &m->common.ice_options : &sdp->common.ice_options;
}

bool kith_sdp_has_ice_option(const kith_sdp *sdp, const kith_sdp_media *m, const char *option)
{
    return kith_sdp_texts_have(kith_sdp_ice_options(sdp, m), option);
}

bool kith_sdp_end_of_candidates(const kith_sdp *sdp, const kith_sdp_media *m)
{
    return sdp->common.end_of_candidates || (m && m->common.end_of_candidates);
}

const kith_sdp_fingerprints *kith_sdp_media_fingerprints(const kith_sdp *sdp,
                                                         const kith_sdp_media *m)
{
    /* A section whose fingerprints are all unusable does not fall back to the session's: they were
     * replaced (RFC 8122 section 5). */
    bool own = m && (m->common.fingerprints.count > 0 || m->common.ignored_fingerprints > 0);
    return own ? &m->common.fingerprints : &sdp->common.fingerprints;
}

kith_sdp_setup kith_sdp_media_setup(const kith_sdp *sdp, const kith_sdp_media *m)
{
    return m && m->common.setup != KITH_SDP_SETUP_NONE ? m->common.setup : sdp->common.setup;
}

const char *kith_sdp_tls_id(const kith_sdp *sdp, const kith_sdp_media *m)
{
    return m && m->common.tls_id ? m->common.tls_id : sdp->common.tls_id;
}

kith_sdp_direction kith_sdp_media_direction(const kith_sdp *sdp, const kith_sdp_media *m)
{
    if (m && m->common.direction != KITH_SDP_DIRECTION_NONE)
        return m->common.direction;
    if (sdp->common.direction != KITH_SDP_DIRECTION_NONE)
        return sdp->common.direction;
    return KITH_SDP_DIRECTION_SENDRECV;
}

const kith_sdp_connection *kith_sdp_media_connection(const kith_sdp *sdp, const kith_sdp_media *m)
{
    return m && m->common.connection.address ? &m->common.connection : &sdp->common.connection;
}

bool kith_sdp_extmap_allow_mixed(const kith_sdp *sdp, const kith_sdp_media *m)
{
    return sdp->common.extmap_allow_mixed || (m && m->common.extmap_allow_mixed);
}

/* ---- names ---- */

const char *kith_sdp_direction_text(kith_sdp_direction direction)
{
    static const char *const names[] = {
        [KITH_SDP_DIRECTION_NONE] = NULL,           [KITH_SDP_DIRECTION_SENDRECV] = "sendrecv",
        [KITH_SDP_DIRECTION_SENDONLY] = "sendonly", [KITH_SDP_DIRECTION_RECVONLY] = "recvonly",
        [KITH_SDP_DIRECTION_INACTIVE] = "inactive",
    };
    return names[direction];
}

const char *kith_sdp_setup_text(kith_sdp_setup setup)
{
    static const char *const names[] = {
        [KITH_SDP_SETUP_NONE] = NULL,           [KITH_SDP_SETUP_ACTPASS] = "actpass",
        [KITH_SDP_SETUP_ACTIVE] = "active",     [KITH_SDP_SETUP_PASSIVE] = "passive",
        [KITH_SDP_SETUP_HOLDCONN] = "holdconn",
    };
    return names[setup];
}

/* Sections of audio and video (RFC 9429 sections 5.2 and 5.3). What they may hold is codecs.c's
 * table; which direction they have, their transceiver's. A section that nobody has, such as one
 * without a codec of ours, is accepted where its bundle is, and inactive. */
#include <string.h>

#include "pc/jsep.h"
#include "pc/numbers.h"
#include "pc/pc.h"
#include "pc/section.h"
#include "pc/transceivers.h"

static kith_err check(kith_pc *pc, const kith_section *remote)
{
    (void)pc, (void)remote;
    return KITH_OK;
}

/* ---- codecs ---- */

static void add_format(kith_sdp *sdp, kith_sdp_media *m, const kith_sdp_rtpmap *of,
                       const char *fmtp)
{
    const char *format = kith_sdp_text(sdp, "%u", of->payload_type);
    kith_sdp_add_text(sdp, &m->formats, format);
    kith_sdp_rtpmap *map = KITH_SDP_APPEND(sdp, m->rtpmaps);
    if (map)
        *map = *of;
    kith_sdp_fmtp *parameters = fmtp ? KITH_SDP_APPEND(sdp, m->fmtps) : NULL;
    if (parameters)
        *parameters = (kith_sdp_fmtp){.format = format,
                                      .payload_type = of->payload_type,
                                      .parameters = kith_sdp_text(sdp, "%s", fmtp)};
}

static void add_codec(kith_sdp *sdp, kith_sdp_media *m, const kith_codec *row, uint8_t type,
                      const char *fmtp)
{
    const kith_sdp_rtpmap map = {.payload_type = type,
                                 .name = row->name,
                                 .clock_rate = row->codec.clock_rate,
                                 .channels =
                                     row->codec.channels > 1 ? (uint8_t)row->codec.channels : 0};
    add_format(sdp, m, &map, fmtp);
}

/* RFC 4588 section 8.6: what is sent again of a format; -1: nothing is. */
static void add_rtx(kith_sdp *sdp, kith_sdp_media *m, const kith_codec *row, uint8_t type, int rtx)
{
    const kith_sdp_rtpmap map = {
        .payload_type = (uint8_t)rtx, .name = "rtx", .clock_rate = row->codec.clock_rate};
    if (rtx >= 0)
        add_format(sdp, m, &map, kith_sdp_text(sdp, "apt=%u", type));
}

/* like NULL: an offer, which has all that there are. */
static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool takes_feedback(const kith_sdp_media *like, int type, const kith_sdp_rtcp_fb *fb)
{
    for (size_t i = 0; like && i < like->rtcp_fbs.count; i++) {
        const kith_sdp_rtcp_fb *given = &like->rtcp_fbs.items[i];
        if ((given->payload_type < 0 || given->payload_type == type) &&
            strcmp(given->type, fb->type) == 0 && is_same(given->parameter, fb->parameter))
            return true;
    }
    return !like;
}

/* Of a format that stands in the section. */
static void add_feedback(kith_sdp *sdp, kith_sdp_media *m, kith_media_kind kind, uint8_t type,
                         const kith_sdp_media *like)
{
    const kith_sdp_rtcp_fb *fb;
    bool has_rtx = kith_codec_find_rtx(m, type) >= 0;
    for (size_t i = 0; (fb = kith_codec_feedback_at(kind, i)); i++) {
        bool is_taken =
            takes_feedback(like, type, fb) && (has_rtx || !kith_codec_feedback_needs_rtx(fb));
        kith_sdp_rtcp_fb *added = is_taken ? KITH_SDP_APPEND(sdp, m->rtcp_fbs) : NULL;
        if (added)
            *added = (kith_sdp_rtcp_fb){
                .payload_type = type, .type = fb->type, .parameter = fb->parameter};
    }
}

/* Row number `index` of those that a transceiver may have, in its order; NULL past the last. */
static const kith_codec *wanted_at(const kith_transceiver *t, size_t index)
{
    if (t->preferred_count > 0)
        return index < t->preferred_count ? t->preferred[index] : NULL;
    const kith_codec *row;
    for (size_t i = 0; (row = kith_codec_at(&t->pc->transceivers.codecs, i)); i++)
        if (row->kind == t->kind && index-- == 0)
            return row;
    return NULL;
}

static bool is_wanted(const kith_transceiver *t, const kith_codec *row)
{
    const kith_codec *wanted;
    for (size_t i = 0; (wanted = wanted_at(t, i)); i++)
        if (wanted == row)
            return true;
    return false;
}

/* A format that stands in `like` already, which may be what is answered. */
static void add_use(kith_draft *draft, kith_sdp_media *m, const kith_codec_use *use,
                    const kith_sdp_media *like)
{
    const kith_codec *row = use->row;
    add_codec(draft->sdp, m, row, use->payload_type,
              draft->is_answer ? kith_codec_answer(row, draft->sdp, use->fmtp)
                               : row->codec.sdp_fmtp_line);
    if (kith_codec_has_rtx(row))
        add_rtx(draft->sdp, m, row, use->payload_type,
                kith_codec_find_rtx(like, use->payload_type));
    add_feedback(draft->sdp, m, row->kind, use->payload_type, like);
}

/* The formats of `like` that mean this row (NULL: any that the transceiver may have). How many. */
static size_t add_uses(kith_draft *draft, kith_sdp_media *m, const kith_transceiver *t,
                       const kith_codec *row, const kith_sdp_media *like)
{
    kith_codec_use uses[KITH_CODEC_MAX_USES];
    size_t count = like ? kith_codecs_of(&t->pc->transceivers.codecs, like, uses) : 0, added = 0;
    for (size_t i = 0; i < count; i++) {
        if (row ? uses[i].row != row : !is_wanted(t, uses[i].row))
            continue;
        add_use(draft, m, &uses[i], like);
        added++;
    }
    return added;
}

static bool has_row(const kith_codec_set *set, const kith_sdp_media *m, const kith_codec *row)
{
    kith_codec_use uses[KITH_CODEC_MAX_USES];
    size_t count = m ? kith_codecs_of(set, m, uses) : 0;
    for (size_t i = 0; i < count; i++)
        if (uses[i].row == row)
            return true;
    return false;
}

static void add_new(kith_draft *draft, kith_sdp_media *m, const kith_codec *row)
{
    int type = kith_numbers_payload_type(draft, row);
    if (type < 0)
        return;
    add_codec(draft->sdp, m, row, (uint8_t)type, row->codec.sdp_fmtp_line);
    if (kith_codec_has_rtx(row))
        add_rtx(draft->sdp, m, row, (uint8_t)type, kith_numbers_rtx_type(draft, row));
    add_feedback(draft->sdp, m, row->kind, (uint8_t)type, NULL);
}

/* RFC 9429 sections 5.2.1, 5.2.2 and 5.3.1: in the order of the program's preferences, else in that
 * of `like`, what is answered or was answered last; an offer has all that are available, new ones
 * last. */
static void add_codecs(kith_draft *draft, kith_sdp_media *m, const kith_transceiver *t,
                       const kith_sdp_media *like)
{
    bool has_order = t->preferred_count > 0;
    const kith_codec *row;
    if (!has_order)
        add_uses(draft, m, t, NULL, like);
    for (size_t i = 0; (row = wanted_at(t, i)); i++) {
        size_t added = has_order ? add_uses(draft, m, t, row, like)
                                 : has_row(&t->pc->transceivers.codecs, like, row);
        if (added == 0 && !draft->is_answer)
            add_new(draft, m, row);
    }
}

/* ---- extensions ---- */

static void add_extension(kith_draft *draft, kith_sdp_media *m, uint16_t id, const char *uri,
                          kith_sdp_direction direction)
{
    kith_sdp_extmap *map = id > 0 ? KITH_SDP_APPEND(draft->sdp, m->common.extmaps) : NULL;
    if (map)
        *map = (kith_sdp_extmap){.id = id, .uri = uri, .direction = direction};
}

static kith_sdp_direction reversed(kith_sdp_direction direction)
{
    if (direction == KITH_SDP_DIRECTION_SENDONLY)
        return KITH_SDP_DIRECTION_RECVONLY;
    return direction == KITH_SDP_DIRECTION_RECVONLY ? KITH_SDP_DIRECTION_SENDONLY : direction;
}

static bool is_ours(const kith_sdp_extmap *map, kith_media_kind kind)
{
    kith_rtp_extension_kind extension = kith_rtp_extension_find(kith_span_text(map->uri));
    return extension != KITH_RTP_EXTENSION_COUNT && kith_codec_has_extension(kind, extension) &&
           map->id <= 14 && map->direction != KITH_SDP_DIRECTION_INACTIVE;
}

/* RFC 8285 section 6, RFC 9429 section 5.2.2: what that very section has, with its ids and its
 * directions as we see them; each once. */
static void add_extensions_like(kith_draft *draft, kith_sdp_media *m, kith_media_kind kind,
                                const kith_sdp_media *like)
{
    bool is_added[KITH_RTP_EXTENSION_COUNT] = {false};
    for (size_t i = 0; i < like->common.extmaps.count; i++) {
        const kith_sdp_extmap *map = &like->common.extmaps.items[i];
        if (!is_ours(map, kind))
            continue;
        kith_rtp_extension_kind extension = kith_rtp_extension_find(kith_span_text(map->uri));
        if (!is_added[extension])
            add_extension(draft, m, map->id, kith_rtp_extension_uri(extension),
                          draft->follows_peer ? reversed(map->direction) : map->direction);
        is_added[extension] = true;
    }
}

static void add_all_extensions(kith_draft *draft, kith_sdp_media *m, kith_media_kind kind)
{
    for (kith_rtp_extension_kind extension = 0; extension < KITH_RTP_EXTENSION_COUNT; extension++) {
        const char *uri = kith_rtp_extension_uri(extension);
        if (kith_codec_has_extension(kind, extension))
            add_extension(draft, m, kith_numbers_extension_id(draft, uri), uri,
                          KITH_SDP_DIRECTION_NONE);
    }
}

/* ---- the section ---- */

/* RFC 3264 section 6.1: an answer has no more than the offer lets it have. */
static kith_direction direction_of(const kith_draft *draft, const kith_transceiver *t,
                                   const kith_sdp_media *like)
{
    if (t->is_stopping)
        return KITH_DIRECTION_INACTIVE;
    if (!draft->is_answer)
        return t->direction;
    const kith_sdp *offer = draft->pc->jsep.pending_remote->sdp;
    kith_direction theirs = kith_direction_from_sdp(kith_sdp_media_direction(offer, like));
    return kith_direction_of(kith_direction_sends(t->direction) && kith_direction_receives(theirs),
                             kith_direction_receives(t->direction) && kith_direction_sends(theirs));
}

/* RFC 8834 section 4.9 and RFC 7022: one CNAME for all. */
static void add_ssrc(kith_draft *draft, kith_sdp_media *m, uint32_t ssrc)
{
    kith_sdp_ssrc *source = KITH_SDP_APPEND(draft->sdp, m->ssrcs);
    if (source)
        *source = (kith_sdp_ssrc){
            .ssrc = ssrc,
            .attribute = "cname",
            .value = kith_sdp_text(draft->sdp, "%s", draft->pc->transceivers.cname)};
}

static bool has_rtx(const kith_sdp_media *m)
{
    uint8_t apt;
    for (size_t i = 0; i < m->rtpmaps.count; i++)
        if (kith_codec_is_rtx(m, m->rtpmaps.items[i].payload_type, &apt))
            return true;
    return false;
}

/* RFC 5576 section 4.2, RFC 4588 section 8.2: which stream has what is sent again. */
static void add_source(kith_draft *draft, kith_sdp_media *m, const kith_sender *sender)
{
    kith_sender_add_msids(sender, draft->sdp, m);
    add_ssrc(draft, m, sender->ssrc);
    if (!has_rtx(m))
        return;
    add_ssrc(draft, m, sender->rtx_ssrc);
    kith_sdp_ssrc_group *group = KITH_SDP_APPEND(draft->sdp, m->ssrc_groups);
    const uint32_t both[] = {sender->ssrc, sender->rtx_ssrc};
    if (!group)
        return;
    *group = (kith_sdp_ssrc_group){.semantics = "FID"};
    for (size_t i = 0; i < 2; i++) {
        uint32_t *ssrc = KITH_SDP_APPEND(draft->sdp, group->ssrcs);
        if (ssrc)
            *ssrc = both[i];
    }
}

/* RFC 9429 section 5.2.2: what a section said of its track it says on, whatever the direction is.
 * Chromium shows nothing of a track whose a=ssrc went and came again. */
static bool has_source(const kith_draft *draft, const char *mid)
{
    const kith_description *current = draft->pc->jsep.current_local;
    const kith_sdp_media *m = current ? kith_sdp_find_mid(current->sdp, mid) : NULL;
    return m && m->ssrcs.count > 0;
}

/* RFC 9429 sections 5.2.1 and 5.3.1. */
static void add_live(kith_draft *draft, const char *mid, const kith_sdp_media *like,
                     kith_transceiver *t)
{
    kith_sdp_media *m = kith_draft_add(draft, kith_media_kind_name(t->kind),
                                       like ? like->proto : "UDP/TLS/RTP/SAVPF", mid);
    if (!m)
        return;
    kith_direction direction = direction_of(draft, t, like);
    m->common.direction = kith_direction_to_sdp(direction);
    m->rtcp_mux = true;
    m->rtcp_mux_only = !like;
    m->rtcp_rsize = !like || like->rtcp_rsize;
    if (!like || kith_codec_has_rcvr_rtt(like->rtcp_xr))
        m->rtcp_xr = KITH_CODEC_RTCP_XR;
    add_codecs(draft, m, t, like);
    if (like)
        add_extensions_like(draft, m, t->kind, like);
    else
        add_all_extensions(draft, m, t->kind);
    if (kith_direction_sends(direction) || has_source(draft, mid))
        add_source(draft, m, &t->sender);
}

/* Is there a codec of ours, and one that the program takes? */
static bool has_wanted(const kith_transceiver *t, const kith_sdp_media *m)
{
    kith_codec_use uses[KITH_CODEC_MAX_USES];
    size_t count = kith_codecs_of(&t->pc->transceivers.codecs, m, uses);
    for (size_t i = 0; i < count; i++)
        if (is_wanted(t, uses[i].row))
            return true;
    return false;
}

static void add(kith_draft *draft, const char *mid, const kith_sdp_media *like)
{
    size_t index = draft->sdp->media.count;
    kith_transceiver *t = draft->is_answer ? kith_transceivers_find(draft->pc, index)
                                           : kith_transceivers_find_offered(draft->pc, index);
    if (t && (!draft->is_answer || has_wanted(t, like)))
        add_live(draft, mid, like, t);
    else if (like)
        kith_draft_add_unused(draft, mid, like);
}

static kith_err apply(kith_pc *pc, const kith_section *remote)
{
    (void)pc, (void)remote;
    return KITH_OK;
}

const kith_section_kind kith_section_rtp = {
    .matches = kith_sdp_is_rtp, .check = check, .add = add, .apply = apply};

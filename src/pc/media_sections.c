/* What the sections of both descriptions agree on, as the engines of their transport know it:
 * payload types, streams, extensions, feedback, repair. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "pc/endpoint.h"
#include "pc/media.h"
#include "pc/pc.h"

/* a=ssrc of one section that we look at: simulcast of three with its repair has six. */
#define MAX_SSRCS 16
/* a=ssrc-group:FID of one. */
#define MAX_FIDS 4

static kith_media *media_of(const kith_pc *pc)
{
    return kith_pc_transport(pc)->media;
}

/* A section that rtp shall know, and what it points to. */
typedef struct agreed {
    /* each with what is sent again of it */
    kith_rtp_payload_type types[2 * KITH_CODEC_MAX_USES];
    uint32_t ssrcs[MAX_SSRCS];
    kith_rtp_fid fids[MAX_FIDS];
} agreed;

static bool takes(const kith_sdp_media *m, const char *type, const char *parameter)
{
    for (size_t i = 0; i < m->rtcp_fbs.count; i++) {
        const kith_sdp_rtcp_fb *fb = &m->rtcp_fbs.items[i];
        bool is_of_type = strcmp(fb->type, type) == 0;
        if (is_of_type && (fb->parameter && parameter ? strcmp(fb->parameter, parameter) == 0
                                                      : fb->parameter == parameter))
            return true;
    }
    return false;
}

static uint16_t extension_id(const kith_sdp_media *m, const char *uri)
{
    for (size_t i = 0; i < m->common.extmaps.count; i++)
        if (strcmp(m->common.extmaps.items[i].uri, uri) == 0)
            return m->common.extmaps.items[i].id;
    return 0;
}

/* Of both descriptions: an answer has the ids of its offer. */
static void agree_on_extensions(const kith_sdp_media *ours, const kith_sdp_media *theirs,
                                uint8_t ids[KITH_RTP_EXTENSION_COUNT])
{
    for (kith_rtp_extension_kind kind = 0; kind < KITH_RTP_EXTENSION_COUNT; kind++) {
        uint16_t id = extension_id(ours, kith_rtp_extension_uri(kind));
        bool is_agreed = extension_id(theirs, kith_rtp_extension_uri(kind)) == id;
        ids[kind] = is_agreed && id <= UINT8_MAX ? (uint8_t)id : 0;
    }
}

static size_t collect_ssrcs(const kith_sdp_media *m, uint32_t out[MAX_SSRCS])
{
    size_t count = 0;
    for (size_t i = 0; i < m->ssrcs.count && count < MAX_SSRCS; i++) {
        bool is_known = false;
        for (size_t j = 0; j < count; j++)
            is_known |= out[j] == m->ssrcs.items[i].ssrc;
        if (!is_known)
            out[count++] = m->ssrcs.items[i].ssrc;
    }
    return count;
}

static size_t collect_fids(const kith_sdp_media *m, kith_rtp_fid out[MAX_FIDS])
{
    size_t count = 0;
    for (size_t i = 0; i < m->ssrc_groups.count && count < MAX_FIDS; i++) {
        const kith_sdp_ssrc_group *group = &m->ssrc_groups.items[i];
        if (strcmp(group->semantics, "FID") == 0 && group->ssrcs.count == 2)
            out[count++] = (kith_rtp_fid){group->ssrcs.items[0], group->ssrcs.items[1]};
    }
    return count;
}

/* The formats of our own description, and of each what is sent again. */
static size_t collect_types(const kith_codec_set *set, const kith_sdp_media *m,
                            kith_rtp_payload_type out[2 * KITH_CODEC_MAX_USES])
{
    kith_codec_use uses[KITH_CODEC_MAX_USES];
    size_t uses_count = kith_codecs_of(set, m, uses), count = 0;
    for (size_t i = 0; i < uses_count; i++) {
        int rtx = kith_codec_find_rtx(m, uses[i].payload_type);
        out[count++] = (kith_rtp_payload_type){.number = uses[i].payload_type,
                                               .clock_rate = uses[i].row->codec.clock_rate};
        if (rtx >= 0)
            out[count++] = (kith_rtp_payload_type){.number = (uint8_t)rtx,
                                                   .clock_rate = uses[i].row->codec.clock_rate,
                                                   .is_rtx = true,
                                                   .apt = uses[i].payload_type};
    }
    return count;
}

static bool both_take(const kith_sdp_media *ours, const kith_sdp_media *theirs, const char *type)
{
    return takes(ours, type, NULL) && takes(theirs, type, NULL);
}

/* We receive what our own description names. */
static void describe_section(kith_rtp_section *section, agreed *lists, kith_transceiver *t,
                             const kith_sdp_media *ours, const kith_sdp_media *theirs,
                             bool receives)
{
    size_t count = receives ? collect_types(&t->pc->transceivers.codecs, ours, lists->types) : 0;
    *section = (kith_rtp_section){
        .mid = ours->mid ? ours->mid : "",
        .kind = t->kind == KITH_AUDIO ? KITH_RTP_AUDIO : KITH_RTP_VIDEO,
        .reduced_size = ours->rtcp_rsize && theirs->rtcp_rsize,
        .takes_pli = takes(theirs, "nack", "pli"),
        .takes_fir = takes(theirs, "ccm", "fir"),
        .rcvr_rtt =
            kith_codec_has_rcvr_rtt(ours->rtcp_xr) && kith_codec_has_rcvr_rtt(theirs->rtcp_xr),
        .takes_nack = both_take(ours, theirs, "nack"),
        .takes_transport_cc = both_take(ours, theirs, "transport-cc"),
        .payload_types = lists->types,
        .payload_type_count = count,
        .ssrcs = lists->ssrcs,
        .ssrc_count = collect_ssrcs(theirs, lists->ssrcs),
        .fids = lists->fids,
        .fid_count = collect_fids(theirs, lists->fids),
        /* sections are known by their index: the transceiver may be gone */
        .user = (void *)(uintptr_t)t->section,
    };
    agree_on_extensions(ours, theirs, section->extensions);
}

/* The stream of a sender that is to send for the first time. */
static kith_err make_out(kith_media *media, kith_transceiver *t, const kith_sdp_media *ours)
{
    if (t->sender.out)
        return KITH_OK;
    const kith_rtp_out_config config = {
        .mid = ours->mid ? ours->mid : "",
        .kind = t->kind == KITH_AUDIO ? KITH_RTP_AUDIO : KITH_RTP_VIDEO,
        .clock_rate = kith_rtp_capability_at(t->kind, 0)->clock_rate,
        .ssrc = t->sender.ssrc,
        .has_rtx = t->kind == KITH_VIDEO,
        .rtx_ssrc = t->sender.rtx_ssrc,
        .user = &t->sender,
    };
    return kith_rtp_add_out(media->rtp, &t->sender.out, &config);
}

/* What the sections of a transport are made of. */
typedef struct basis {
    /* both accept it; NULL: nothing is agreed on */
    const kith_description *local, *remote;
    /* ours that is not answered yet, or NULL */
    const kith_description *offer;
} basis;

/* False: the transceiver has no section that both accept. */
static bool is_accepted(const kith_transceiver *t, const basis *b)
{
    return b->local && b->remote && (!b->offer || !t->is_section_pending) &&
           kith_transceiver_is_accepted(t, b->local, b->remote);
}

static kith_err describe_agreed(kith_transceiver *t, const basis *b, kith_rtp_section *section,
                                agreed *lists)
{
    const kith_sdp_media *ours = b->local->sdp->media.items[t->section];
    kith_direction direction = kith_transceiver_agreed(t, b->local, b->remote);
    describe_section(section, lists, t, ours, b->remote->sdp->media.items[t->section],
                     kith_direction_receives(direction));
    return kith_direction_sends(direction) ? make_out(media_of(t->pc), t, ours) : KITH_OK;
}

/* RFC 3264 section 5.1: packets of a section that an offer lets come may overtake the answer. Those
 * of one that receives already do not wait. */
static bool describe_offered(kith_transceiver *t, const basis *b, kith_rtp_section *section,
                             agreed *lists)
{
    int index = t->section >= 0 ? t->section : t->offered;
    if (!b->offer || index < 0 || section->payload_type_count > 0 ||
        !b->offer->sections[index].accepted || t->is_stopping)
        return false;
    const kith_sdp_media *ours = b->offer->sdp->media.items[index];
    if (!kith_direction_receives(
            kith_direction_from_sdp(kith_sdp_media_direction(b->offer->sdp, ours))))
        return false;
    describe_section(section, lists, t, ours, ours, true);
    section->user = (void *)(uintptr_t)index;
    section->ssrc_count = section->fid_count = 0; /* they are ours */
    section->is_pending = true;
    return true;
}

static kith_err set_sections(kith_pc *pc, const basis *b, kith_rtp_section *sections, agreed *lists)
{
    size_t count = 0;
    KITH_LIST_EACH(&pc->transceivers.all, node) {
        kith_transceiver *t = KITH_OWNER(node, kith_transceiver, in_pc);
        bool is_there = is_accepted(t, b);
        kith_err err = is_there ? describe_agreed(t, b, &sections[count], &lists[count]) : KITH_OK;
        if (err != KITH_OK)
            return err;
        is_there |= describe_offered(t, b, &sections[count], &lists[count]);
        count += is_there;
    }
    return kith_rtp_set_sections(media_of(pc)->rtp, sections, count);
}

static kith_err prepare(kith_pc *pc, const basis *b)
{
    kith_transport *t = kith_pc_transport(pc);
    size_t count = kith_pc_transceiver_count(pc);
    if (count == 0 && !t->media)
        return KITH_OK;
    kith_err err = kith_media_begin(t);
    if (err != KITH_OK)
        return err;
    kith_rtp_section *sections = kith_alloc_zero(count, sizeof *sections);
    agreed *lists = kith_alloc_zero(count, sizeof *lists);
    err = sections && lists ? set_sections(pc, b, sections, lists) : kith_fail_memory();
    kith_free(sections);
    kith_free(lists);
    return err;
}

kith_err kith_media_prepare(kith_pc *pc, const kith_description *local,
                            const kith_description *remote)
{
    return prepare(pc, &(basis){.local = local, .remote = remote});
}

kith_err kith_media_expect(kith_pc *pc, const kith_description *offer)
{
    if (!pc->jsep.agreed)
        return KITH_OK; /* what comes before the first answer waits for its keys */
    return prepare(pc, &(basis){.local = pc->jsep.current_local,
                                .remote = pc->jsep.current_remote,
                                .offer = offer});
}

static bool has_row(const kith_codec_use *uses, size_t count, const kith_codec *row)
{
    for (size_t i = 0; i < count; i++)
        if (uses[i].row == row)
            return true;
    return false;
}

/* The formats of one side that the other has too. */
static void list_codecs(kith_negotiated_list *list, const kith_codec_set *set,
                        const kith_sdp_media *m, const kith_sdp_media *other)
{
    kith_codec_use uses[KITH_CODEC_MAX_USES], others[KITH_CODEC_MAX_USES];
    size_t count = kith_codecs_of(set, m, uses);
    size_t other_count = kith_codecs_of(set, other, others);
    list->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!has_row(others, other_count, uses[i].row))
            continue;
        kith_negotiated *item = &list->items[list->count++];
        *item = (kith_negotiated){.row = uses[i].row, .codec = uses[i].row->codec};
        item->codec.payload_type = uses[i].payload_type;
        item->codec.sdp_fmtp_line = uses[i].fmtp;
    }
}

void kith_sender_take_ssrcs(kith_sender *sender)
{
    sender->ssrc = kith_rtp_out_ssrc(sender->out);
    if (kith_rtp_out_rtx_ssrc(sender->out) != 0)
        sender->rtx_ssrc = kith_rtp_out_rtx_ssrc(sender->out);
}

/* With their numbers, where we have a format for it too. */
static void agree_on_rtx(kith_sender *sender, const kith_sdp_media *ours,
                         const kith_sdp_media *theirs)
{
    uint8_t rtx_types[128] = {0};
    kith_rtp_payload_type own[2 * KITH_CODEC_MAX_USES];
    size_t count = collect_types(&sender->transceiver->pc->transceivers.codecs, ours, own);
    bool is_ours = false;
    for (size_t i = 0; i < count; i++)
        is_ours |= own[i].is_rtx;
    for (size_t i = 0; i < sender->codecs.count && is_ours; i++) {
        uint8_t type = sender->codecs.items[i].codec.payload_type;
        int rtx = kith_codec_find_rtx(theirs, type);
        rtx_types[type] = rtx > 0 ? (uint8_t)rtx : 0;
    }
    kith_rtp_out_set_rtx(sender->out, rtx_types);
}

void kith_media_take(kith_transceiver *t, const kith_sdp_media *ours, const kith_sdp_media *theirs)
{
    kith_sender *sender = &t->sender;
    const kith_codec_set *set = &t->pc->transceivers.codecs;
    /* RFC 3264 section 5.1: what was offered may come, and browsers send what they want most of it
     * even where their answer leaves it out. Sections 6.1 and 7: we send what both have. */
    list_codecs(&sender->codecs, set, theirs, ours);
    list_codecs(&t->receiver.codecs, set, ours, ours);
    t->is_reduced_size = ours->rtcp_rsize && theirs->rtcp_rsize;
    sender->has_returned_parameters = false;
    sender->section_bitrate = kith_bitrate_of_section(&theirs->common);
    agree_on_extensions(ours, theirs, t->receiver.extensions);
    t->receiver.is_repaired = both_take(ours, theirs, "nack");
    if (!sender->out)
        return;
    kith_sender_take_ssrcs(sender);
    agree_on_rtx(sender, ours, theirs);
    kith_rtp_out_announced(sender->out);
    if (sender->codecs.count > 0)
        kith_rtp_out_set_clock_rate(sender->out, sender->codecs.items[0].codec.clock_rate);
}

void kith_media_pause_sender(kith_sender *sender)
{
    kith_pc *pc = sender->transceiver->pc;
    if (!sender->out)
        return;
    kith_rtp_pause_out(media_of(pc)->rtp, sender->out);
    kith_endpoint_set_ready(pc);
}

void kith_media_remove_sender(kith_sender *sender)
{
    kith_pc *pc = sender->transceiver->pc;
    if (!sender->out)
        return;
    kith_rtp_remove_out(media_of(pc)->rtp, sender->out);
    sender->out = NULL;
    kith_endpoint_set_ready(pc);
}

/* Sections of audio and video. Nothing is sent or received in them so far: one whose transport the
 * data needs is accepted, but inactive. */
#include "pc/pc.h"
#include "pc/section.h"

static kith_err check(kith_pc *pc, const kith_section *remote)
{
    (void)pc, (void)remote;
    return KITH_OK;
}

static void add_codec(kith_sdp *sdp, kith_sdp_media *m, const kith_sdp_media *like, int type)
{
    const kith_sdp_rtpmap *rtpmap = kith_sdp_find_rtpmap(like, type);
    kith_sdp_rtpmap *our_rtpmap = rtpmap ? KITH_SDP_APPEND(sdp, m->rtpmaps) : NULL;
    if (our_rtpmap) {
        *our_rtpmap = *rtpmap;
        our_rtpmap->name = kith_sdp_text(sdp, "%s", rtpmap->name);
    }
    const kith_sdp_fmtp *fmtp = kith_sdp_find_fmtp(like, type);
    kith_sdp_fmtp *our_fmtp = fmtp ? KITH_SDP_APPEND(sdp, m->fmtps) : NULL;
    if (our_fmtp)
        *our_fmtp = (kith_sdp_fmtp){.format = kith_sdp_text(sdp, "%s", fmtp->format),
                                    .payload_type = fmtp->payload_type,
                                    .parameters = kith_sdp_text(sdp, "%s", fmtp->parameters)};
}

/* RFC 9429 section 5.3.1, RFC 3264 section 6.1: what an accepted section must have, and nothing
 * that would ask for packets. What comes all the same is dropped. */
static void add(kith_draft *draft, const char *mid, const kith_sdp_media *like)
{
    kith_sdp *sdp = draft->sdp;
    kith_sdp_media *m = kith_draft_add(draft, like->kind, like->proto, mid);
    if (!m)
        return;
    for (size_t i = 0; i < like->formats.count; i++) {
        uint64_t type;
        kith_sdp_add_text(sdp, &m->formats, like->formats.items[i]);
        if (kith_span_u64(kith_span_text(like->formats.items[i]), 127, &type))
            add_codec(sdp, m, like, (int)type);
    }
    m->common.direction = KITH_SDP_DIRECTION_INACTIVE;
    m->rtcp_mux = like->rtcp_mux; /* RFC 9143 section 9.3: as every bundled section */
}

static kith_err apply(kith_pc *pc, const kith_section *remote)
{
    (void)pc, (void)remote;
    return KITH_OK;
}

const kith_section_kind kith_section_rtp = {
    .matches = kith_sdp_is_rtp, .check = check, .add = add, .apply = apply};

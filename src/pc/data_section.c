/* m=application sections for data channels, in the form of RFC 8841 and in the one before it. */
#include <string.h>

#include "base/error.h"
#include "pc/jsep.h"
#include "pc/pc.h"
#include "pc/section.h"

/* draft-ietf-mmusic-sctp-sdp-07 section 4.2: as many as SCTP has. */
#define SCTPMAP_STREAMS 65535

/* m= formats of the older form are port numbers. */
static bool is_old_form(const kith_sdp_media *m)
{
    uint64_t port;
    return m->formats.count > 0 && kith_span_u64(kith_span_text(m->formats.items[0]), 65535, &port);
}

/* Another port means another association (RFC 8841 section 9.3), which would end the channels: a
 * running one keeps its port, as in browsers. Port 0 closes it. */
static kith_err check(kith_pc *pc, const kith_section *remote)
{
    const kith_transport *t = kith_pc_transport(pc);
    int port = kith_sdp_sctp_port(remote->media);
    if (!t->sctp || remote->is_renewed || port == 0 || port == t->remote_sctp_port)
        return KITH_OK;
    return kith_section_refuse(remote->media, "a=sctp-port:%d; the association has %u", port,
                               t->remote_sctp_port);
}

/* RFC 8841 section 4: one format; or the form that came before it, whose format is the SCTP
 * port. */
static void add_sctp(kith_sdp *sdp, kith_sdp_media *m, uint16_t port, bool old_form)
{
    if (old_form) {
        kith_sdp_add_text(sdp, &m->formats, kith_sdp_text(sdp, "%u", port));
        kith_sdp_sctpmap *map = KITH_SDP_APPEND(sdp, m->sctpmaps);
        if (map)
            *map = (kith_sdp_sctpmap){
                .port = port, .protocol = "webrtc-datachannel", .streams = SCTPMAP_STREAMS};
    } else {
        kith_sdp_add_text(sdp, &m->formats, "webrtc-datachannel");
        m->has_sctp_port = true;
        m->sctp_port = port;
    }
}

static void add(kith_draft *draft, const char *mid, const kith_sdp_media *like)
{
    kith_sdp_media *m =
        kith_draft_add(draft, "application", like ? like->proto : "UDP/DTLS/SCTP", mid);
    if (!m)
        return;
    /* RFC 8841 section 10.4: an offer that closes the association is answered with port 0. */
    bool closes = draft->is_answer && kith_sdp_sctp_port(like) == 0;
    add_sctp(draft->sdp, m, closes ? 0 : KITH_SDP_DEFAULT_SCTP_PORT, like && is_old_form(like));
    m->has_max_message_size = true;
    m->max_message_size = draft->pc->config.max_message_size;
}

static kith_err apply(kith_pc *pc, const kith_section *remote)
{
    int port = kith_sdp_sctp_port(remote->media);
    if (port <= 0)
        return KITH_OK;
    uint64_t max = kith_sdp_max_message_size(remote->media);
    return kith_transport_set_sctp(kith_pc_transport(pc), (uint16_t)port,
                                   max > SIZE_MAX ? SIZE_MAX : (size_t)max);
}

const kith_section_kind kith_section_data = {
    .matches = kith_sdp_is_data, .check = check, .add = add, .apply = apply};

/* Plain RTP on the other side of a program: packets of a socket in and out, and the clock of their
 * source (RFC 3550 sections 5.1 and 6.4.1). */
#include "base/config.h"
#include "base/error.h"
#include "pc/endpoint.h"
#include "pc/media.h"
#include "pc/pc.h"
#include "wire/rtcp.h"
#include "wire/rtp.h"

kith_err kith_rtp_parse(kith_rtp *out, const void *data, size_t len)
{
    kith_rtp_header h;
    /* with rtcp-mux the second byte of RTCP is none of RTP (RFC 5761 section 4) */
    kith_span packet = kith_span_of(data, len);
    if (!data || len > UINT16_MAX || kith_rtcp_is(packet) || !kith_rtp_parse_header(&h, packet))
        return kith_fail(KITH_ERR_TYPE, "rtp_parse: %zu bytes that are no RTP packet", len);
    const kith_rtp rtp = {
        .size = sizeof rtp,
        .ssrc = h.ssrc,
        .timestamp = h.timestamp,
        .sequence_number = h.sequence_number,
        .marker = h.marker,
        .payload = packet.data + h.payload_at,
        .len = h.payload_len,
    };
    return kith_config_write(out, sizeof rtp, &rtp, "KITH_RTP_INIT");
}

size_t kith_rtp_write(const kith_rtp *packet, uint8_t payload_type, void *buf, size_t cap)
{
    kith_rtp p = KITH_RTP_INIT;
    if (kith_config_read(&p, sizeof p, packet, "KITH_RTP_INIT") != KITH_OK || payload_type > 127 ||
        p.csrc_count > KITH_RTP_MAX_CSRCS)
        return 0;
    kith_writer w = kith_wr(buf, cap);
    const kith_rtp_start start = {
        .ssrc = p.ssrc,
        .timestamp = p.timestamp,
        .sequence_number = p.sequence_number,
        .payload_type = payload_type,
        .marker = p.marker,
        .csrcs = p.csrcs,
        .csrc_count = p.csrc_count,
    };
    kith_rtp_write_start(&w, &start);
    if (p.len > 0)
        kith_wr_bytes(&w, p.payload, p.len);
    return w.bad ? 0 : w.len;
}

kith_err kith_sender_set_ntp(kith_sender *sender, uint64_t ntp, uint32_t rtp_timestamp)
{
    kith_pc *pc = sender->transceiver->pc;
    if (pc->closed || sender->transceiver->is_stopping)
        return kith_fail(KITH_ERR_INVALID_STATE, "set_ntp: the transceiver was stopped");
    if (!sender->is_ready)
        return kith_fail(KITH_ERR_AGAIN, "set_ntp: nothing can be sent yet, or any more");
    kith_rtp_set_ntp(sender->out, ntp, rtp_timestamp, kith_endpoint_present(pc->ep));
    return KITH_OK;
}

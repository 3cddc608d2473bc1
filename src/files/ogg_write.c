/* Writing Opus in Ogg (RFC 7845): pages of at most a second, none of which ends within a packet.
 * The last packet waits for the next one, for its page may be the last. */
#include "base/error.h"
#include "files/writer.h"
#include "wire/opus.h"

#define RATE 48000
/* RFC 7845 section 6 */
#define MAX_PACKET 61440
/* Section 3: a page should not hold more than a second. */
#define PAGE_SAMPLES RATE
/* Samples that a decoder drops at the beginning: what libopus, the encoder of browsers, looks ahead
 * for. */
#define PRE_SKIP 312
#define SERIAL   0x6b697468

/* ---- headers ---- */

static void write_header_page(kith_file_writer *w, const kith_writer *body, uint8_t flags)
{
    const uint8_t lacing = (uint8_t)body->len;
    const kith_ogg_page page = {.flags = flags,
                                .serial = SERIAL,
                                .sequence = w->ogg.sequence++,
                                .lacing = &lacing,
                                .segments = 1,
                                .body = kith_span_of(body->data, body->len)};
    kith_ogg_write_page(&w->out, &page);
}

/* Sections 5.1 and 5.2. Two channels are what RTP's Opus always may have (RFC 7587 section 7). */
static void write_headers(kith_file_writer *w)
{
    uint8_t bytes[64];
    w->ogg.sequence = 0;
    kith_writer body = kith_wr(bytes, sizeof bytes);
    kith_wr_text(&body, "OpusHead");
    kith_wr_u8(&body, 1);
    kith_wr_u8(&body, 2);
    kith_wr_le16(&body, PRE_SKIP);
    kith_wr_le32(&body, RATE);
    kith_wr_le16(&body, 0);
    kith_wr_u8(&body, 0);
    write_header_page(w, &body, KITH_OGG_FIRST);
    body = kith_wr(bytes, sizeof bytes);
    kith_wr_text(&body, "OpusTags");
    kith_wr_le32(&body, 4);
    kith_wr_text(&body, "kith");
    kith_wr_le32(&body, 0);
    write_header_page(w, &body, 0);
}

/* ---- pages ---- */

static void end_page(kith_file_writer *w, uint8_t flags)
{
    kith_ogg_writer *ogg = &w->ogg;
    const kith_ogg_page page = {.flags = flags,
                                .granule = ogg->samples,
                                .serial = SERIAL,
                                .sequence = ogg->sequence,
                                .lacing = ogg->lacing,
                                .segments = ogg->segments,
                                .body = kith_span_of(ogg->body.data, ogg->body.len)};
    kith_ogg_write_page(&w->out, &page);
    if (w->out.bad)
        return;
    ogg->sequence++;
    ogg->segments = 0;
    ogg->page_samples = 0;
    ogg->body.len = 0;
    w->kept = w->out.len;
}

static void put(kith_file_writer *w, kith_span packet, uint32_t samples)
{
    kith_ogg_writer *ogg = &w->ogg;
    size_t segments = packet.len / 255 + 1;
    if (ogg->segments + segments > sizeof ogg->lacing || ogg->page_samples + samples > PAGE_SAMPLES)
        end_page(w, 0);
    kith_wr_span(&ogg->body, packet);
    w->out.bad |= ogg->body.bad;
    ogg->body.bad = false;
    if (w->out.bad)
        return;
    memset(ogg->lacing + ogg->segments, 255, segments - 1);
    ogg->lacing[ogg->segments + segments - 1] = (uint8_t)(packet.len % 255);
    ogg->segments += (unsigned)segments;
    ogg->samples += samples;
    ogg->page_samples += samples;
}

/* Section 4.1: where packets are missing are some that ask to conceal: frames of no length, as many
 * as fill at most 120 ms (RFC 6716 section 3.2.5). What is shorter than a frame is left for the
 * next pause. */
static void fill_pause(kith_file_writer *w, uint64_t until)
{
    uint8_t packet[2] = {w->ogg.toc | 3, 1};
    uint32_t frame = kith_opus_samples(kith_span_of(packet, sizeof packet));
    while (frame > 0 && w->ogg.samples + frame <= until && !w->out.bad) {
        uint64_t missing = (until - w->ogg.samples) / frame, most = 5760 / frame;
        packet[1] = (uint8_t)(missing < most ? missing : most);
        put(w, kith_span_of(packet, sizeof packet), packet[1] * frame);
    }
}

static void begin(kith_file_writer *w)
{
    write_headers(w);
    if (w->out.bad)
        return;
    w->is_begun = true;
    w->kept = w->out.len;
}

kith_err kith_file_add_opus(kith_file_writer *w, const kith_frame *frame, uint64_t ticks)
{
    kith_span packet = kith_span_of(frame->data, frame->len);
    uint32_t samples = kith_opus_samples(packet);
    if (samples == 0)
        return kith_fail(KITH_ERR_TYPE, "no packet of Opus");
    if (packet.len > MAX_PACKET)
        return kith_fail(KITH_ERR_RANGE, "an Opus packet of %zu bytes", packet.len);
    if (!w->is_begun)
        begin(w);
    else
        fill_pause(w, ticks);
    if (!w->out.bad)
        put(w, packet, samples);
    w->ogg.toc = packet.data[0];
    return KITH_OK;
}

void kith_file_end_opus(kith_file_writer *w)
{
    if (w->ogg.segments > 0)
        end_page(w, KITH_OGG_LAST);
}

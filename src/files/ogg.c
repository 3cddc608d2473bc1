/* Reading Opus in Ogg (RFC 3533, RFC 7845): pages of other streams are passed over, broken and
 * lost ones too, with the packets that they had a part of. */
#include "base/error.h"
#include "base/memory.h"
#include "files/reader.h"
#include "files/writer.h"
#include "wire/opus.h"

/* RFC 7845 section 6: what a packet may reasonably have. */
#define MAX_PACKET 61440
#define RATE       48000

static bool is_ogg(kith_span start)
{
    return kith_span_starts(start, "OggS");
}

/* ---- pages ---- */

/* To the next "OggS", or as far as there is none. */
static void seek(kith_file_reader *r)
{
    kith_span all = kith_file_unread(r);
    size_t at = 0;
    while (at + 4 <= all.len && memcmp(all.data + at, "OggS", 4) != 0)
        at++;
    kith_file_skip(r, at + 4 > all.len && r->has_ended ? all.len : at);
}

/* The page that begins at the front: its length, 0 where the checksum is wrong. */
static kith_err measure_page(kith_file_reader *r, size_t *len)
{
    kith_span all = kith_file_unread(r);
    if (all.len < KITH_OGG_HEADER)
        return kith_file_short(r, "a page");
    kith_reader in = kith_rd(all.data, all.len);
    kith_rd_skip(&in, KITH_OGG_CRC_AT);
    uint32_t crc = kith_rd_le32(&in);
    uint8_t segments = kith_rd_u8(&in);
    kith_span lacing = kith_rd_span(&in, segments);
    size_t body = 0;
    for (size_t i = 0; i < lacing.len; i++)
        body += lacing.data[i];
    kith_rd_skip(&in, body);
    if (in.bad)
        return kith_file_short(r, "a page");
    *len = KITH_OGG_HEADER + (size_t)segments + body;
    if (all.data[4] != 0 || kith_ogg_checksum(kith_span_of(all.data, *len)) != crc)
        *len = 0;
    return KITH_OK;
}

/* Does the page belong to our stream, or begin it? After the last page of one another may follow
 * (RFC 3533 section 4, "chaining"). */
static bool is_ours(kith_ogg *ogg, uint8_t flags, uint32_t serial, kith_span body)
{
    bool wants_stream = ogg->state == KITH_OGG_HEAD || ogg->is_last_page;
    if (wants_stream && (flags & KITH_OGG_FIRST) && kith_span_starts(body, "OpusHead")) {
        ogg->state = KITH_OGG_HEAD;
        ogg->serial = serial;
        ogg->is_open = ogg->is_skipping = ogg->is_last_page = false;
        return true;
    }
    return !wants_stream && serial == ogg->serial && !(flags & KITH_OGG_FIRST);
}

/* A packet that goes on from another page whose beginning we have not, and one whose rest is
 * missing, are lost. */
static void begin_page(kith_ogg *ogg, uint8_t flags, uint32_t sequence)
{
    bool follows = ogg->state == KITH_OGG_HEAD || sequence == ogg->sequence + 1;
    bool is_continued = flags & KITH_OGG_CONTINUED;
    bool goes_on = follows && is_continued && ogg->is_open;
    ogg->is_skipping = is_continued && (!goes_on || ogg->is_skipping);
    if (!goes_on)
        ogg->is_open = false;
    ogg->sequence = sequence;
    ogg->is_last_page = flags & KITH_OGG_LAST;
    ogg->is_in_page = true;
}

/* The next page of ours to the front. OK without one: the file has ended. */
static kith_err find_page(kith_file_reader *r)
{
    kith_ogg *ogg = &r->ogg;
    for (size_t len = 0;;) {
        seek(r);
        kith_span all = kith_file_unread(r);
        if (all.len == 0 && r->has_ended)
            return ogg->state == KITH_OGG_AUDIO
                       ? KITH_OK
                       : kith_fail(KITH_ERR_NOT_SUPPORTED,
                                   "the Ogg file has no Opus in it: ffmpeg -i FILE -vn -c:a "
                                   "libopus OUT.ogg makes one that has");
        kith_err err = measure_page(r, &len);
        if (err != KITH_OK)
            return err;
        if (len == 0) {
            kith_file_skip(r, 4);
            continue;
        }
        kith_reader in = kith_rd(all.data, len);
        kith_rd_skip(&in, 5);
        uint8_t flags = kith_rd_u8(&in);
        kith_rd_skip(&in, 8);
        uint32_t serial = kith_rd_le32(&in), sequence = kith_rd_le32(&in);
        kith_rd_skip(&in, 4);
        uint8_t segments = kith_rd_u8(&in);
        kith_rd_skip(&in, segments);
        if (is_ours(ogg, flags, serial, kith_rd_rest(&in))) {
            begin_page(ogg, flags, sequence);
            ogg->segments = segments;
            ogg->read = 0;
            ogg->at = KITH_OGG_HEADER + (size_t)segments;
            return KITH_OK;
        }
        kith_file_skip(r, len);
    }
}

/* ---- packets ---- */

static kith_err keep(kith_ogg *ogg, kith_span piece)
{
    if (!ogg->packet)
        ogg->packet = kith_alloc(MAX_PACKET);
    if (!ogg->packet)
        return kith_fail_memory();
    ogg->len = ogg->is_open ? ogg->len : 0;
    ogg->is_open = true;
    ogg->is_skipping |= piece.len > MAX_PACKET - ogg->len;
    if (!ogg->is_skipping && piece.len > 0)
        memcpy(ogg->packet + ogg->len, piece.data, piece.len);
    ogg->len += ogg->is_skipping ? 0 : piece.len;
    return KITH_OK;
}

/* Up to the end of a packet, or of the page. */
static kith_span take_piece(kith_file_reader *r, bool *ends)
{
    kith_ogg *ogg = &r->ogg;
    const uint8_t *page = kith_file_unread(r).data;
    kith_span piece = kith_span_of(page + ogg->at, 0);
    *ends = false;
    while (!*ends && ogg->read < ogg->segments) {
        uint8_t lacing = page[KITH_OGG_HEADER + ogg->read++];
        piece.len += lacing;
        *ends = lacing < 255;
    }
    ogg->at += piece.len;
    if (ogg->read == ogg->segments) {
        ogg->is_in_page = false;
        kith_file_skip(r, ogg->at);
    }
    return piece;
}

/* The next packet that is whole; empty: the file has ended. */
static kith_err next_packet(kith_file_reader *r, kith_span *packet)
{
    kith_ogg *ogg = &r->ogg;
    *packet = kith_span_of(NULL, 0);
    for (;;) {
        kith_err err = ogg->is_in_page ? KITH_OK : find_page(r);
        if (err != KITH_OK || !ogg->is_in_page)
            return err;
        bool ends, was_open = ogg->is_open, was_skipping = ogg->is_skipping;
        kith_span piece = take_piece(r, &ends);
        if (!ends || was_open)
            err = keep(ogg, piece);
        if (err != KITH_OK)
            return err;
        if (!ends)
            continue;
        *packet = was_open ? kith_span_of(ogg->packet, ogg->len) : piece;
        bool is_whole =
            !was_skipping && !ogg->is_skipping && packet->len > 0 && packet->len <= MAX_PACKET;
        ogg->is_open = ogg->is_skipping = false;
        if (is_whole)
            return KITH_OK;
    }
}

/* RFC 7845 section 5.1: the first byte's upper half is a version that we know, and family 0 has
 * one stream of one or two channels. Its gain is for who decodes. */
static kith_err read_head(kith_file_reader *r, kith_span packet)
{
    kith_reader in = kith_rd(packet.data, packet.len);
    kith_rd_skip(&in, 8);
    uint8_t version = kith_rd_u8(&in), channels = kith_rd_u8(&in);
    kith_rd_skip(&in, 8);
    uint8_t family = kith_rd_u8(&in);
    if (in.bad || version >> 4 != 0 || channels == 0)
        return kith_fail(KITH_ERR_OPERATION, "the Ogg file's Opus header is broken");
    if (family != 0 || channels > 2)
        return kith_fail(KITH_ERR_NOT_SUPPORTED,
                         "Opus of %u channels (family %u): ffmpeg -i FILE -vn -ac 2 -c:a libopus "
                         "OUT.ogg makes two of them",
                         channels, family);
    kith_file_set_codec(r, "audio/opus", RATE, 2);
    return KITH_OK;
}

static kith_err next(kith_file_reader *r)
{
    kith_ogg *ogg = &r->ogg;
    for (;;) {
        kith_span packet;
        kith_err err = next_packet(r, &packet);
        if (err == KITH_OK && packet.len > 0 && ogg->state == KITH_OGG_HEAD)
            err = read_head(r, packet);
        if (err != KITH_OK || packet.len == 0)
            return err;
        uint32_t samples = ogg->state == KITH_OGG_AUDIO ? kith_opus_samples(packet) : 0;
        if (ogg->state != KITH_OGG_AUDIO)
            ogg->state = ogg->state == KITH_OGG_HEAD ? KITH_OGG_TAGS : KITH_OGG_AUDIO;
        if (samples == 0)
            continue;
        uint64_t at = ogg->samples;
        ogg->samples += samples;
        return kith_file_tell(r, packet, at * 125 / 6, at);
    }
}

const kith_file_format kith_file_ogg = {is_ogg, next};

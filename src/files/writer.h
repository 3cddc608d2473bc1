/* Inside files: what the writers of the formats share. */
#ifndef KITH_FILES_WRITER_H
#define KITH_FILES_WRITER_H

#include "base/writer.h"
#include "kith/files.h"

/* A header that the end replaces. */
#define KITH_FILE_HEAD 64

/* RTP's timestamps as a time that goes on: see kith_file_writer_add. */
typedef struct kith_file_clock {
    bool has_begun;
    uint32_t last;
    kith_time last_received;
    /* since the first frame */
    uint64_t ticks;
} kith_file_clock;

/* The frame's ticks of `rate` a second since the first one's. */
uint64_t kith_file_clock_at(kith_file_clock *clock, const kith_frame *frame, uint32_t rate);

/* How a codec is written. */
typedef struct kith_file_codec {
    const char *extension;
    kith_rtp_codec codec;
    /* Writes what a frame is in the file. `ticks` since the first one; with it the file may begin.
     */
    kith_err (*add)(kith_file_writer *w, const kith_frame *frame, uint64_t ticks);
    /* writes what the end brings, and the head anew; NULL: nothing */
    void (*end)(kith_file_writer *w);
} kith_file_codec;

/* Samples of 48 kHz, and the page that waits for more packets, or to be the last. */
typedef struct kith_ogg_writer {
    uint64_t samples;
    uint32_t sequence;
    unsigned segments;
    uint8_t lacing[255];
    uint32_t page_samples;
    kith_writer body;
    /* of the last packet */
    uint8_t toc;
} kith_ogg_writer;

struct kith_file_writer {
    const kith_file_codec *codec;
    kith_file_clock clock;
    /* to be asked for */
    kith_writer out;
    /* of those bytes: what a frame for which memory was short leaves there */
    size_t kept;
    bool is_returned, has_ended;
    /* where `out` belongs */
    uint64_t at;
    kith_file_bytes bytes;
    /* replaces the beginning at the end */
    uint8_t head[KITH_FILE_HEAD];
    size_t head_len;
    /* its header is */
    bool is_begun;
    /* in the file: frames of IVF, samples of WAV */
    uint64_t count;
    uint16_t width, height;
    kith_ogg_writer ogg;
};

kith_err kith_file_add_vp8(kith_file_writer *w, const kith_frame *frame, uint64_t ticks);
void kith_file_end_vp8(kith_file_writer *w);
kith_err kith_file_add_opus(kith_file_writer *w, const kith_frame *frame, uint64_t ticks);
void kith_file_end_opus(kith_file_writer *w);
kith_err kith_file_add_h264(kith_file_writer *w, const kith_frame *frame, uint64_t ticks);
kith_err kith_file_add_g711(kith_file_writer *w, const kith_frame *frame, uint64_t ticks);
void kith_file_end_g711(kith_file_writer *w);

/* A page of Ogg (RFC 3533 section 6). */
typedef struct kith_ogg_page {
    /* as in its header */
    uint8_t flags;
    uint64_t granule;
    uint32_t serial, sequence;
    const uint8_t *lacing;
    unsigned segments;
    kith_span body;
} kith_ogg_page;

/* flags */
#define KITH_OGG_CONTINUED 1
#define KITH_OGG_FIRST     2
#define KITH_OGG_LAST      4
/* Bytes before the segment table, and where the checksum stands. */
#define KITH_OGG_HEADER 27
#define KITH_OGG_CRC_AT 22

void kith_ogg_write_page(kith_writer *w, const kith_ogg_page *page);
/* Of a whole page, whose own checksum counts as zeros. */
uint32_t kith_ogg_checksum(kith_span page);

static inline void kith_wr_le16(kith_writer *w, uint32_t v)
{
    kith_wr_u8(w, (uint8_t)v);
    kith_wr_u8(w, (uint8_t)(v >> 8));
}

static inline void kith_wr_le32(kith_writer *w, uint32_t v)
{
    kith_wr_le16(w, v & 0xffff);
    kith_wr_le16(w, v >> 16);
}

static inline void kith_wr_le64(kith_writer *w, uint64_t v)
{
    kith_wr_le32(w, (uint32_t)v);
    kith_wr_le32(w, (uint32_t)(v >> 32));
}

#endif

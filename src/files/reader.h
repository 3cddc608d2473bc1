/* Inside files: what the readers of the formats share. */
#ifndef KITH_FILES_READER_H
#define KITH_FILES_READER_H

#include "base/reader.h"
#include "kith/files.h"

/* What kith_sender_send_frame takes at most. */
#define KITH_FILE_MAX_FRAME ((size_t)8 * 1024 * 1024)

/* A format's reader: a file that begins so, and its next frame. `next` gives OK with is_frame set,
 * OK at the end of the file, or why there is none. It takes bytes off the front of what is unread
 * by kith_file_skip alone, so that a frame lies there until more bytes are given. */
typedef struct kith_file_format {
    bool (*is)(kith_span start);
    kith_err (*next)(kith_file_reader *r);
} kith_file_format;

extern const kith_file_format kith_file_ivf, kith_file_ogg, kith_file_annex_b, kith_file_wav;

typedef struct kith_ivf {
    bool is_begun;
    /* a timestamp is in rate / scale of a second */
    uint32_t rate, scale;
    uint16_t width, height;
} kith_ivf;

typedef struct kith_annex_b {
    /* of what is unread: start codes before it are known */
    size_t scanned;
    bool has_start, has_vcl;
    /* nanoseconds from one frame to the next; 0: not known yet */
    uint64_t interval;
    uint64_t frames;
    uint16_t width, height;
} kith_annex_b;

typedef struct kith_wav {
    bool is_begun, has_format, is_in_data;
    /* of a chunk that is passed over, or of the data */
    uint64_t left;
    uint64_t samples;
} kith_wav;

/* Pages are read one by one; a packet that goes over their ends is put together in `packet`. */
typedef struct kith_ogg {
    enum { KITH_OGG_HEAD, KITH_OGG_TAGS, KITH_OGG_AUDIO } state;
    uint32_t serial, sequence;
    bool is_last_page;
    /* of the page that lies at the front: its segments, how many are read, where the next begins */
    bool is_in_page;
    unsigned segments, read;
    size_t at;
    /* the beginning of a packet is in `packet`; or it was lost, and its rest is passed over */
    bool is_open, is_skipping;
    uint8_t *packet;
    size_t len;
    /* at 48 kHz */
    uint64_t samples;
} kith_ogg;

struct kith_file_reader {
    const kith_file_format *format;
    uint8_t *data;
    size_t begin, end, cap;
    bool has_ended;
    bool has_codec;
    kith_rtp_codec codec;
    bool is_frame;
    kith_frame frame;
    union {
        kith_ivf ivf;
        kith_annex_b annex_b;
        kith_wav wav;
        kith_ogg ogg;
    };
};

kith_span kith_file_unread(const kith_file_reader *r);
void kith_file_skip(kith_file_reader *r, size_t len);
/* More bytes are needed: AGAIN, or OPERATION where there are no more and the file ends within
 * `what`. */
kith_err kith_file_short(const kith_file_reader *r, const char *what);
void kith_file_set_codec(kith_file_reader *r, const char *mime_type, uint32_t clock_rate,
                         uint16_t channels);
/* There is a frame: its bytes, and its time in microseconds and in ticks. */
kith_err kith_file_tell(kith_file_reader *r, kith_span data, uint64_t time, uint64_t ticks);
/* value * times / by, rounded down; false where that does not fit. */
bool kith_file_scale(uint64_t value, uint64_t times, uint64_t by, uint64_t *out);

/* Little-endian numbers. */
static inline uint16_t kith_rd_le16(kith_reader *r)
{
    uint16_t v = kith_rd_u16(r);
    return (uint16_t)(v >> 8 | v << 8);
}

static inline uint32_t kith_rd_le32(kith_reader *r)
{
    uint32_t low = kith_rd_le16(r);
    return low | (uint32_t)kith_rd_le16(r) << 16;
}

static inline uint64_t kith_rd_le64(kith_reader *r)
{
    uint64_t low = kith_rd_le32(r);
    return low | (uint64_t)kith_rd_le32(r) << 32;
}

#endif

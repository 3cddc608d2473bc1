/* What the tests of this room share: whole files read and written. */
#ifndef KITH_TESTS_FILES_KIT_H
#define KITH_TESTS_FILES_KIT_H

#include "../unit.h"
#include "base/span.h"
#include "kith/kith.h"

#include <stdio.h>

/* A file of tests/data/media; the caller frees it. */
static inline kith_span kit_read(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/media/%s", getenv("KITH_TEST_DATA"), name);
    FILE *f = fopen(path, "rb");
    if (!f)
        ck_abort_msg("%s: not there", path);
    uint8_t *data = malloc(1 << 20);
    size_t len = fread(data, 1, 1 << 20, f);
    fclose(f);
    return kith_span_of(data, len);
}

typedef struct kit_frame {
    kith_frame frame;
    uint8_t *data;
} kit_frame;

/* All frames of a file, and how reading it ended. */
typedef struct kit_file {
    char mime_type[32];
    kit_frame *frames;
    size_t count;
    kith_err err;
} kit_file;

static inline void kit_keep(kit_file *f, const kith_frame *frame)
{
    f->frames = realloc(f->frames, (f->count + 1) * sizeof *f->frames);
    kit_frame *kept = &f->frames[f->count++];
    kept->frame = *frame;
    kept->data = malloc(frame->len);
    memcpy(kept->data, frame->data, frame->len);
    kept->frame.data = kept->data;
    kept->frame.codec = NULL;
}

/* The file is given in pieces of `piece` bytes, each in memory of its own size. */
static inline kit_file kit_frames(kith_span file, size_t piece)
{
    kit_file f = {.err = KITH_OK};
    kith_file_reader *r;
    ck_assert_int_eq(kith_file_reader_new(&r), KITH_OK);
    size_t at = 0;
    for (;;) {
        const kith_frame *frame = NULL;
        kith_err err = kith_file_reader_next(r, &frame);
        if (err == KITH_ERR_AGAIN) {
            size_t len = piece < file.len - at ? piece : file.len - at;
            uint8_t *bytes = malloc(len + 1);
            memcpy(bytes, file.data + at, len);
            ck_assert_int_eq(kith_file_reader_give(r, bytes, len), KITH_OK);
            free(bytes);
            at += len;
            continue;
        }
        f.err = err;
        if (err != KITH_OK || !frame)
            break;
        ck_assert_ptr_eq(frame->codec, kith_file_reader_codec(r));
        kit_keep(&f, frame);
    }
    if (kith_file_reader_codec(r))
        snprintf(f.mime_type, sizeof f.mime_type, "%s", kith_file_reader_codec(r)->mime_type);
    kith_file_reader_free(r);
    return f;
}

static inline void kit_free(kit_file *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->frames[i].data);
    free(f->frames);
    *f = (kit_file){0};
}

/* A file of bytes with places. */
typedef struct kit_disk {
    uint8_t data[1 << 20];
    size_t len;
} kit_disk;

static inline void kit_write(kit_disk *disk, kith_file_writer *w)
{
    for (const kith_file_bytes *b; (b = kith_file_writer_output(w));) {
        ck_assert_uint_le(b->at, disk->len);
        ck_assert_uint_le(b->at + b->len, sizeof disk->data);
        memcpy(disk->data + b->at, b->data, b->len);
        disk->len = b->at + b->len > disk->len ? (size_t)b->at + b->len : disk->len;
    }
}

/* The file that frames make. */
static inline void kit_make(kit_disk *disk, const char *mime_type, const kit_frame *frames,
                            size_t count)
{
    const kith_rtp_codec codec = {.mime_type = mime_type};
    kith_file_writer *w;
    disk->len = 0;
    ck_assert_int_eq(kith_file_writer_new(&w, &codec), KITH_OK);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(kith_file_writer_add(w, &frames[i].frame), KITH_OK);
        if (i % 3 == 0)
            kit_write(disk, w);
    }
    ck_assert_int_eq(kith_file_writer_end(w), KITH_OK);
    kit_write(disk, w);
    kith_file_writer_free(w);
}

static inline kith_span kit_made(const kit_disk *disk)
{
    return kith_span_of(disk->data, disk->len);
}

/* Bytes, times and what is said of both; but for the first `skip`. */
static inline void kit_compare(const kit_file *a, const kit_file *b)
{
    ck_assert_str_eq(a->mime_type, b->mime_type);
    ck_assert_uint_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const kith_frame *x = &a->frames[i].frame, *y = &b->frames[i].frame;
        ck_assert_uint_eq(x->len, y->len);
        ck_assert_mem_eq(x->data, y->data, x->len);
        ck_assert_int_eq(x->capture_time, y->capture_time);
        ck_assert_uint_eq(x->rtp_timestamp, y->rtp_timestamp);
        ck_assert_int_eq(x->is_key, y->is_key);
        ck_assert_uint_eq(x->width, y->width);
        ck_assert_uint_eq(x->height, y->height);
    }
}

/* Each piece of the file gives a part of its frames, and then says that it ends too early, or, at a
 * place where it may, nothing; and what is told does not depend on the size of the pieces. */
static inline void kit_every_prefix(const char *name)
{
    kith_span file = kit_read(name);
    kit_file whole = kit_frames(file, file.len);
    ck_assert_int_eq(whole.err, KITH_OK);
    for (size_t piece = 1; piece < 100; piece += 13) {
        kit_file same = kit_frames(file, piece);
        ck_assert_int_eq(same.err, KITH_OK);
        kit_compare(&whole, &same);
        kit_free(&same);
    }
    for (size_t len = 0; len < file.len; len += len < 600 ? 1 : 17) {
        kit_file part = kit_frames(kith_span_of(file.data, len), 4096);
        ck_assert(part.err == KITH_OK || part.err == KITH_ERR_OPERATION ||
                  part.err == KITH_ERR_NOT_SUPPORTED);
        ck_assert_uint_le(part.count, whole.count);
        kit_free(&part);
    }
    kit_free(&whole);
    free((void *)file.data);
}

#endif

/* Files of frames. The bytes are a file, given in pieces as long as its first byte says: however
 * long they are, the same frames come, and what of them a writer takes is read again. */
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kith/kith.h"

/* What a file gave. */
typedef struct result {
    kith_err err;
    size_t frames, bytes;
    uint32_t sum;
} result;

static void add(result *sum, const kith_frame *frame)
{
    const uint8_t *data = frame->data;
    sum->frames++;
    sum->bytes += frame->len;
    assert(frame->len > 0 && frame->capture_time >= 0);
    for (size_t i = 0; i < frame->len; i++)
        sum->sum = sum->sum * 31 + data[i];
    sum->sum = sum->sum * 31 + frame->rtp_timestamp + frame->is_key;
}

static result read_file(const uint8_t *data, size_t size, size_t piece, kith_file_writer **writer)
{
    result sum = {0};
    kith_file_reader *reader;
    kith_err err = kith_file_reader_new(&reader);
    assert(err == KITH_OK);
    const kith_frame *frame = NULL;
    for (size_t at = 0; sum.err == KITH_OK;) {
        sum.err = kith_file_reader_next(reader, &frame);
        if (sum.err == KITH_ERR_AGAIN) {
            size_t len = piece < size - at ? piece : size - at;
            sum.err = kith_file_reader_give(reader, data + at, len);
            at += len;
            continue;
        }
        if (sum.err != KITH_OK || !frame)
            break;
        add(&sum, frame);
        if (writer && !*writer && kith_file_writer_new(writer, frame->codec) != KITH_OK)
            abort();
        if (writer)
            (void)!kith_file_writer_add(*writer, frame);
    }
    kith_file_reader_free(reader);
    return sum;
}

static uint8_t *written(kith_file_writer *writer, size_t *len)
{
    uint8_t *file = NULL;
    kith_err err = kith_file_writer_end(writer);
    assert(err == KITH_OK);
    *len = 0;
    for (const kith_file_bytes *b; (b = kith_file_writer_output(writer));) {
        assert(b->at <= *len);
        size_t end = (size_t)b->at + b->len;
        if (end > *len) {
            file = realloc(file, end);
            *len = end;
        }
        assert(file);
        memcpy(file + b->at, b->data, b->len);
    }
    return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t piece = data[0] > 0 ? data[0] : 1, len;
    kith_file_writer *writer = NULL;
    result whole = read_file(data + 1, size - 1, size, &writer);
    result pieces = read_file(data + 1, size - 1, piece, NULL);
    assert(whole.err == pieces.err && whole.frames == pieces.frames &&
           whole.bytes == pieces.bytes && whole.sum == pieces.sum);
    if (!writer)
        return 0;
    uint8_t *file = written(writer, &len);
    if (file) {
        result again = read_file(file, len, 1000, NULL);
        assert(again.err == KITH_OK && again.frames > 0);
    }
    free(file);
    kith_file_writer_free(writer);
    return 0;
}

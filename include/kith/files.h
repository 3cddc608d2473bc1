/* Files of frames, read and written: VP8 in IVF, Opus in Ogg (RFC 7845), H.264 as a stream of bytes
 * (ITU-T H.264 annex B), G.711 in WAV.
 *
 * No file is opened here. A reader is given the bytes of a file, in pieces of any size, and gives
 * frames; a writer is given frames and gives bytes:
 *
 *     while ((err = kith_file_reader_next(reader, &frame)) == KITH_ERR_AGAIN)
 *         err = kith_file_reader_give(reader, buf, fread(buf, 1, sizeof buf, file));
 *
 *     err = kith_file_writer_add(writer, frame);
 *     for (const kith_file_bytes *b; (b = kith_file_writer_output(writer));)
 *         pwrite(fd, b->data, b->len, (off_t)b->at);
 *
 * So pipes and memory do as well, and what a decoder's or an encoder's program reads or writes (by
 * FFmpeg's -f ivf, -f ogg, -f h264, -f wav) can be sent or was received. */
#ifndef KITH_FILES_H
#define KITH_FILES_H

#include "kith/media.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What files of this codec are called: "ivf", "ogg", "h264", "wav"; NULL: none are written. */
KITH_API const char *kith_file_extension(const kith_rtp_codec *codec);

/* ---- reading ---- */

typedef struct kith_file_reader kith_file_reader;

/* Which file it is the reader sees by its first bytes. NO_MEMORY. */
KITH_API KITH_MUST_CHECK kith_err kith_file_reader_new(kith_file_reader **out);
/* NULL is fine. */
KITH_API void kith_file_reader_free(kith_file_reader *reader);
/* The next bytes of the file, copied; len 0: it has ended. NO_MEMORY. */
KITH_API KITH_MUST_CHECK kith_err kith_file_reader_give(kith_file_reader *reader, const void *data,
                                                        size_t len);
/* NULL before the file has said so, by which time a frame can be read. Borrowed for as long as the
 * reader is. */
KITH_API const kith_rtp_codec *kith_file_reader_codec(const kith_file_reader *reader);
/* The next frame, borrowed until the next call; NULL: there are no more. Its capture_time is
 * microseconds since the beginning of the file, where the first frame's may be 0, so add to it when
 * that was; rtp_timestamp is the same in ticks of the codec's clock; is_key says whether a decoder
 * can begin with it, width and height what the last key frame said. An access unit of H.264 stands
 * behind start codes. A stream of bytes has no times: they are counted by the rate that its first
 * SPS says, else at 25 frames a second. G.711 comes 20 ms at a time.
 *
 * AGAIN: bytes are needed first. NOT_SUPPORTED: a file of another kind, or with something in it
 * that kith does not carry; OPERATION: it is broken or ends too early, or a frame is longer than 8
 * MiB. kith_last_error() says what and, where that helps, how FFmpeg makes a file that does. */
KITH_API KITH_MUST_CHECK kith_err kith_file_reader_next(kith_file_reader *reader,
                                                        const kith_frame **out);

/* ---- writing ---- */

typedef struct kith_file_writer kith_file_writer;

/* Bytes that belong into the file at a place: at its end, but for those that kith_file_writer_end
 * brings, some of which replace the beginning. What cannot be sought (a pipe) can do without those:
 * they hold counts. */
typedef struct kith_file_bytes {
    const void *data;
    /* bytes */
    size_t len;
    /* bytes from the beginning of the file */
    uint64_t at;
} kith_file_bytes;

/* The codec is copied. NOT_SUPPORTED: there is no file for it (kith_file_extension); NO_MEMORY. */
KITH_API KITH_MUST_CHECK kith_err kith_file_writer_new(kith_file_writer **out,
                                                       const kith_rtp_codec *codec);
/* NULL is fine. */
KITH_API void kith_file_writer_free(kith_file_writer *writer);
/* Adds a frame: one that was received or read, or any whose rtp_timestamp says when it was, in
 * ticks of the codec's clock. The first is at 0. Pauses stay in the file: as silence in G.711, as
 * requests to conceal in Opus (RFC 7845 section 4.1), as times in IVF; H.264's stream has no times.
 * A timestamp that goes back, or ahead by more than has passed since the last frame was received
 * and ten seconds (60 s where received_at is 0), is taken for a new beginning of the clock.
 *
 * TYPE: another codec, no data, or a file of VP8 that does not begin with a key frame; RANGE: an
 * Opus packet above 61440 bytes, or video above 8 MiB; NO_MEMORY: the file goes on without it. */
KITH_API KITH_MUST_CHECK kith_err kith_file_writer_add(kith_file_writer *writer,
                                                       const kith_frame *frame);
/* The file ends: ask for what is left. More frames are INVALID_STATE. NO_MEMORY. */
KITH_API KITH_MUST_CHECK kith_err kith_file_writer_end(kith_file_writer *writer);
/* The next bytes to write; NULL: none for now. Borrowed until the next call. */
KITH_API const kith_file_bytes *kith_file_writer_output(kith_file_writer *writer);

#ifdef __cplusplus
}
#endif
#endif

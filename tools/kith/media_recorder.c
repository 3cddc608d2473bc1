/* Recording. */
#include "media_recorder.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Names that are tried before a folder counts as full. */
enum { MAX_NAMES = 10000 };

struct recording {
    struct recording *next;
    const kith_transceiver *transceiver;
    /* NULL: could not be written */
    kith_file_writer *writer;
    int fd;
    char *path;
    char codec[32];
    json_int_t frames;
};

struct media_recorder {
    char *folder;
    void (*line)(void *user, json_t *object);
    void *user;
    struct recording *recordings;
    bool failed;
};

media_recorder *media_recorder_new(const char *folder, void (*line)(void *user, json_t *object),
                                   void *user)
{
    media_recorder *recorder = tool_alloc(sizeof *recorder);
    recorder->folder = tool_copy_text(folder);
    recorder->line = line;
    recorder->user = user;
    return recorder;
}

/* ---- files ---- */

static void fail(media_recorder *recorder, const char *path, const char *words)
{
    tool_error("%s: %s", path, words);
    recorder->failed = true;
}

static void write_bytes(media_recorder *recorder, struct recording *recording)
{
    for (const kith_file_bytes *b; (b = kith_file_writer_output(recording->writer));) {
        const char *data = b->data;
        size_t done = 0;
        while (done < b->len) {
            ssize_t n = pwrite(recording->fd, data + done, b->len - done, (off_t)(b->at + done));
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0) {
                fail(recorder, recording->path, n < 0 ? strerror(errno) : "cannot be written");
                kith_file_writer_free(recording->writer);
                recording->writer = NULL;
                return;
            }
            done += (size_t)n;
        }
    }
}

/* A name of its own: a mid is the peer's. */
static int open_file(const media_recorder *recorder, const char *mid, const char *kind,
                     const char *extension, char *path, size_t cap)
{
    char name[17];
    size_t len = 0;
    for (; mid[len] && len < sizeof name - 1; len++)
        name[len] = isalnum((unsigned char)mid[len]) ? mid[len] : '_';
    name[len] = '\0';
    int fd = -1;
    errno = EEXIST;
    for (int i = 1; fd < 0 && errno == EEXIST && i < MAX_NAMES; i++) {
        char number[16] = "";
        if (i > 1)
            snprintf(number, sizeof number, "-%d", i);
        snprintf(path, cap, "%s/%s-%s%s.%s", recorder->folder, name, kind, number, extension);
        fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    }
    return fd;
}

static struct recording *begin(media_recorder *recorder, const kith_event *ev)
{
    const kith_rtp_codec *codec = ev->frame->codec;
    const char *mid = kith_transceiver_mid(ev->transceiver);
    const char *kind = kith_media_kind_name(kith_transceiver_kind(ev->transceiver));
    char path[4096];
    struct recording *recording = tool_alloc(sizeof *recording);
    recording->next = recorder->recordings;
    recorder->recordings = recording;
    recording->transceiver = ev->transceiver;
    snprintf(recording->codec, sizeof recording->codec, "%s", codec->mime_type);
    recording->fd =
        open_file(recorder, mid ? mid : "", kind, kith_file_extension(codec), path, sizeof path);
    recording->path = tool_copy_text(path);
    if (recording->fd < 0) {
        fail(recorder, path, strerror(errno));
    } else if (kith_file_writer_new(&recording->writer, codec) != KITH_OK) {
        fail(recorder, path, kith_last_error()->message);
    } else {
        recorder->line(recorder->user,
                       json_pack("{s:o, s:s, s:s, s:s}", "recording",
                                 tool_json_text(path, strlen(path)), "mid", mid ? mid : "", "kind",
                                 kind, "codec", codec->mime_type));
    }
    return recording;
}

static void end(media_recorder *recorder, struct recording *recording)
{
    struct recording **at = &recorder->recordings;
    while (*at != recording)
        at = &(*at)->next;
    *at = recording->next;
    if (recording->writer && kith_file_writer_end(recording->writer) == KITH_OK)
        write_bytes(recorder, recording);
    if (recording->fd >= 0 && close(recording->fd) != 0)
        fail(recorder, recording->path, strerror(errno));
    if (recording->writer)
        recorder->line(recorder->user,
                       json_pack("{s:o, s:I}", "recorded",
                                 tool_json_text(recording->path, strlen(recording->path)), "frames",
                                 recording->frames));
    kith_file_writer_free(recording->writer);
    free(recording->path);
    free(recording);
}

void media_recorder_free(media_recorder *recorder)
{
    if (!recorder)
        return;
    while (recorder->recordings)
        end(recorder, recorder->recordings);
    free(recorder->folder);
    free(recorder);
}

/* ---- events ---- */

static struct recording *find(media_recorder *recorder, const kith_transceiver *transceiver)
{
    struct recording *recording = recorder->recordings;
    while (recording && recording->transceiver != transceiver)
        recording = recording->next;
    return recording;
}

static void take_frame(media_recorder *recorder, const kith_event *ev)
{
    struct recording *recording = find(recorder, ev->transceiver);
    if (!ev->frame->codec)
        return;
    if (recording && strcasecmp(recording->codec, ev->frame->codec->mime_type) != 0) {
        end(recorder, recording);
        recording = NULL;
    }
    if (!recording)
        recording = begin(recorder, ev);
    if (!recording->writer)
        return;
    if (kith_file_writer_add(recording->writer, ev->frame) == KITH_OK)
        recording->frames++;
    write_bytes(recorder, recording);
}

void media_recorder_event(media_recorder *recorder, const kith_event *ev)
{
    struct recording *recording = find(recorder, ev->transceiver);
    if (ev->type == KITH_EV_FRAME)
        take_frame(recorder, ev);
    else if (ev->type == KITH_EV_TRACK_ENDED && recording)
        end(recorder, recording);
    else if (ev->type == KITH_EV_TRACK &&
             kith_receiver_set_mode(ev->receiver, KITH_RECEIVE_FRAMES) != KITH_OK)
        fail(recorder, recorder->folder, kith_last_error()->message);
}

bool media_recorder_failed(const media_recorder *recorder)
{
    return recorder->failed;
}

/* Sending files of frames. */
#include "media_player.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* From the last frame to the first of the next round: what is usual, where a file has one frame. */
#define USUAL_INTERVAL KITH_MS(40)
/* So late, it was the process that stood still: nobody wants all that at once. */
#define TOO_LATE KITH_SECONDS(1)

struct track {
    const char *path;
    FILE *file;
    kith_file_reader *reader;
    kith_media_kind kind;
    /* the next one; NULL: the file has ended */
    const kith_frame *frame;
    /* of the last one, and from the one before to it */
    kith_time last, interval;
    kith_transceiver *transceiver;
    bool wants_key_frame, refusal_told, is_broken;
};

struct media_player {
    struct track *tracks;
    size_t count;
    bool once, is_running, is_done, failed;
    /* on kith's clock: when the frames at 0 were due */
    kith_time start;
};

/* ---- files ---- */

static bool fill(struct track *track)
{
    static char buf[65536];
    size_t len = fread(buf, 1, sizeof buf, track->file);
    if (len == 0 && ferror(track->file)) {
        tool_error("%s: %s", track->path, strerror(errno));
        return false;
    }
    return kith_file_reader_give(track->reader, buf, len) == KITH_OK;
}

/* The next frame. False after explaining: the file is broken from here on. */
static bool read_frame(struct track *track)
{
    kith_err err;
    kith_time before = track->frame ? track->frame->capture_time : -1;
    track->frame = NULL;
    do
        err = kith_file_reader_next(track->reader, &track->frame);
    while (err == KITH_ERR_AGAIN && fill(track));
    if (err != KITH_OK) {
        if (err != KITH_ERR_AGAIN && !track->is_broken)
            tool_error("%s: %s", track->path, tool_error_words(err));
        track->is_broken = true;
        return false;
    }
    if (track->frame) {
        track->last = track->frame->capture_time;
        if (before >= 0 && track->last > before)
            track->interval = track->last - before;
    }
    return true;
}

static bool begin_file(struct track *track)
{
    kith_file_reader_free(track->reader);
    track->reader = NULL;
    track->frame = NULL;
    rewind(track->file);
    if (kith_file_reader_new(&track->reader) == KITH_OK)
        return read_frame(track);
    tool_error("out of memory");
    return false;
}

static bool open_track(struct track *track, const char *path)
{
    track->path = path;
    track->interval = USUAL_INTERVAL;
    track->file = fopen(path, "rbe");
    if (!track->file) {
        tool_error("%s: %s", path, strerror(errno));
        return false;
    }
    if (!begin_file(track))
        return false;
    if (!track->frame) {
        tool_error("%s: there is no frame in it", path);
        return false;
    }
    const char *type = kith_file_reader_codec(track->reader)->mime_type;
    track->kind = strncmp(type, "video/", 6) == 0 ? KITH_VIDEO : KITH_AUDIO;
    return true;
}

media_player *media_player_open(const char *const *paths, size_t count, bool once)
{
    media_player *player = tool_alloc(sizeof *player);
    player->tracks = tool_alloc(count * sizeof *player->tracks);
    player->count = count;
    player->once = once;
    for (size_t i = 0; i < count; i++) {
        if (!open_track(&player->tracks[i], paths[i])) {
            media_player_free(player);
            return NULL;
        }
    }
    return player;
}

void media_player_free(media_player *player)
{
    if (!player)
        return;
    for (size_t i = 0; i < player->count; i++) {
        kith_file_reader_free(player->tracks[i].reader);
        if (player->tracks[i].file)
            fclose(player->tracks[i].file);
    }
    free(player->tracks);
    free(player);
}

/* ---- the peer connection ---- */

static struct track *track_of(media_player *player, const kith_transceiver *transceiver)
{
    for (size_t i = 0; i < player->count; i++)
        if (player->tracks[i].transceiver == transceiver)
            return &player->tracks[i];
    return NULL;
}

static bool takes(const struct track *track, const kith_rtp_codec *codec)
{
    return strcasecmp(codec->mime_type, kith_file_reader_codec(track->reader)->mime_type) == 0;
}

/* Nothing is negotiated but what the file is of. */
static kith_err prefer_codec(const struct track *track)
{
    kith_rtp_codec preferred[16];
    const kith_rtp_codec *codec;
    size_t count = 0;
    for (size_t i = 0; count < 16 && (codec = kith_rtp_capability_at(track->kind, i)); i++)
        if (takes(track, codec))
            preferred[count++] = *codec;
    return kith_transceiver_set_codec_preferences(track->transceiver, preferred, count);
}

bool media_player_add_tracks(media_player *player, kith_pc *pc)
{
    static const char *const stream[] = {"kith"};
    for (size_t i = 0; i < player->count; i++) {
        struct track *track = &player->tracks[i];
        kith_sender *sender;
        kith_err err = kith_pc_add_track(pc, track->kind, NULL, stream, 1, &sender);
        track->transceiver = err == KITH_OK ? kith_sender_transceiver(sender) : NULL;
        if (err == KITH_OK)
            err = prefer_codec(track);
        if (err != KITH_OK) {
            tool_kith_error("cannot add a track", err);
            return false;
        }
    }
    return true;
}

/* What the other side wants first is what is sent. */
static void check_codec(media_player *player, struct track *track, const kith_rtp_codec *codec)
{
    if (takes(track, codec) || track->refusal_told)
        return;
    track->refusal_told = player->failed = true;
    tool_error("%s is of %s and cannot be sent: the other side wants %s", track->path,
               kith_file_reader_codec(track->reader)->mime_type, codec->mime_type);
}

void media_player_event(media_player *player, const kith_event *ev)
{
    struct track *track = track_of(player, ev->transceiver);
    if (!track)
        return;
    const kith_rtp_codec *codec =
        ev->type == KITH_EV_TRACK_ENDED ? NULL : kith_sender_codec(ev->sender);
    if (ev->type == KITH_EV_TRACK_ENDED)
        track->transceiver = NULL;
    else if (ev->type == KITH_EV_KEY_FRAME_REQUEST)
        track->wants_key_frame = true;
    if (!codec)
        return;
    check_codec(player, track, codec);
    if (!player->is_running && !player->is_done) {
        player->is_running = true;
        player->start = kith_clock_now();
    }
}

/* ---- playing ---- */

/* What cannot be sent now is left out: kith asks for a key frame when it can. */
static void send_frame(media_player *player, struct track *track)
{
    kith_sender *sender = track->transceiver ? kith_transceiver_sender(track->transceiver) : NULL;
    const kith_rtp_codec *codec = sender ? kith_sender_codec(sender) : NULL;
    if (!codec || !takes(track, codec))
        return;
    kith_frame frame = *track->frame;
    frame.codec = NULL;
    frame.capture_time = player->start + track->frame->capture_time;
    kith_err err = kith_sender_send_frame(sender, &frame);
    if (err == KITH_OK || err == KITH_ERR_AGAIN || track->refusal_told)
        return;
    track->refusal_told = player->failed = true;
    tool_error("%s: a frame was not sent: %s", track->path, tool_error_words(err));
}

static void advance(media_player *player, struct track *track)
{
    if (!read_frame(track))
        player->failed = true;
}

/* All files from the beginning. */
static void begin_again(media_player *player, kith_time start)
{
    player->start = start;
    for (size_t i = 0; i < player->count; i++) {
        if (!begin_file(&player->tracks[i]))
            player->failed = true;
    }
}

/* Where the longest file ends, and a frame more. */
static kith_time length_of(const media_player *player)
{
    kith_time length = 0;
    for (size_t i = 0; i < player->count; i++) {
        kith_time end = player->tracks[i].last + player->tracks[i].interval;
        length = end > length ? end : length;
    }
    return length;
}

/* All files go on from the picture's next key frame, which is due now; from the beginning where
 * there is none. */
static void go_to_key_frame(media_player *player, struct track *track)
{
    kith_time now = player->start + track->frame->capture_time;
    while (track->frame && !track->frame->is_key)
        advance(player, track);
    if (!track->frame) {
        begin_again(player, now);
        return;
    }
    player->start = now - track->frame->capture_time;
    for (size_t i = 0; i < player->count; i++) {
        struct track *other = &player->tracks[i];
        while (other->frame && other->frame->capture_time < track->frame->capture_time)
            advance(player, other);
    }
}

/* The track whose frame is due first; NULL: all files have ended. */
static struct track *next_track(const media_player *player)
{
    struct track *next = NULL;
    for (size_t i = 0; i < player->count; i++) {
        struct track *track = &player->tracks[i];
        if (track->frame && (!next || track->frame->capture_time < next->frame->capture_time))
            next = track;
    }
    return next;
}

static void play(media_player *player, struct track *track)
{
    if (track->wants_key_frame && !track->frame->is_key && !player->once) {
        go_to_key_frame(player, track);
        track->wants_key_frame = false;
        return;
    }
    track->wants_key_frame &= !track->frame->is_key;
    send_frame(player, track);
    advance(player, track);
}

void media_player_tick(media_player *player, kith_time now)
{
    kith_time late = now - media_player_deadline(player);
    player->start += late > TOO_LATE ? late : 0;
    while (media_player_deadline(player) <= now) {
        struct track *track = next_track(player);
        if (track)
            play(player, track);
        else if (player->once)
            player->is_done = !(player->is_running = false);
        else
            begin_again(player, player->start + length_of(player));
    }
}

kith_time media_player_deadline(const media_player *player)
{
    if (!player->is_running)
        return KITH_NEVER;
    const struct track *next = next_track(player);
    return player->start + (next ? next->frame->capture_time : length_of(player));
}

bool media_player_is_done(const media_player *player)
{
    return player->is_done;
}

bool media_player_failed(const media_player *player)
{
    return player->failed;
}

/* Audio and video of `kith peer`: files that are sent, and what comes written into files. */
#include "peer.h"

bool peer_open_media(struct peer *p)
{
    const struct peer_options *o = &p->options;
    if (o->media_count > 0)
        p->player = media_player_open(o->media, o->media_count, o->once);
    return o->media_count == 0 || p->player;
}

static void tell(void *user, json_t *line)
{
    struct peer *p = user;
    lines_write(p->output, line);
}

/* A transceiver of each kind that no file has made: who records and offers wants what there is. */
static bool add_receivers(struct peer *p)
{
    for (kith_media_kind kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++) {
        kith_transceiver_init init = KITH_TRANSCEIVER_INIT;
        bool is_there = false;
        init.direction = KITH_DIRECTION_RECVONLY;
        for (size_t i = 0; i < kith_pc_transceiver_count(p->pc); i++)
            is_there |= kith_transceiver_kind(kith_pc_transceiver_at(p->pc, i)) == kind;
        kith_err err = is_there ? KITH_OK : kith_pc_add_transceiver(p->pc, kind, &init, NULL);
        if (err != KITH_OK) {
            tool_kith_error("cannot add a transceiver", err);
            return false;
        }
    }
    return true;
}

bool peer_add_media(struct peer *p)
{
    if (p->options.record)
        p->recorder = media_recorder_new(p->options.record, tell, p);
    if (p->player && !media_player_add_tracks(p->player, p->pc))
        return false;
    return !p->recorder || !p->options.is_offerer || add_receivers(p);
}

void peer_media_event(struct peer *p, const kith_event *ev)
{
    if (p->recorder)
        media_recorder_event(p->recorder, ev);
    if (p->player) {
        media_player_event(p->player, ev);
        peer_media_changed(p);
    }
}

void peer_media_tick(struct peer *p)
{
    if (!p->player)
        return;
    bool was_done = media_player_is_done(p->player);
    media_player_tick(p->player, kith_clock_now());
    if (was_done || !media_player_is_done(p->player))
        return;
    p->input_ended = true;
    peer_go_on_closing(p);
}

kith_time peer_media_deadline(const struct peer *p)
{
    return p->player ? media_player_deadline(p->player) : KITH_NEVER;
}

void peer_free_media(struct peer *p)
{
    if ((p->player && media_player_failed(p->player)) ||
        (p->recorder && media_recorder_failed(p->recorder)))
        p->status = TOOL_FAILED;
    media_recorder_free(p->recorder);
    media_player_free(p->player);
    p->recorder = NULL;
    p->player = NULL;
}

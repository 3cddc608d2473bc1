/* Whole peers for the tests of this room: the simulator's duo, and a record of what each side was
 * told, in order. */
#ifndef KITH_TESTS_UNIT_PC_LIVE_H
#define KITH_TESTS_UNIT_PC_LIVE_H

#include <stdio.h>
#include <string.h>

#include "../../sim/duo.h"
#include "pc/pc.h"
#include "unit.h"

#define OK(call)           ck_assert_msg(!(call), "%s: %s", #call, kith_last_error()->message)
#define FAILS(error, call) ck_assert_str_eq(kith_err_name(call), #error)

/* One event, as far as it outlives its delivery. */
typedef struct told {
    kith_event_type type;
    kith_dc *dc;
    int state;
    kith_error_detail detail;
    size_t len;
    bool is_text;
    char text[64]; /* beginning of a message, a candidate or an error */
} told;

#define MAX_TOLD 4096

static told told_to[2][MAX_TOLD];
static size_t told_count[2];
static void (*duo_handler)(host *h, const kith_event *ev, void *user);

/* After its closed event nothing more is told of a channel (but a new one may have its address). */
static inline void check_not_over(enum side side, const kith_event *ev)
{
    bool begins = ev->type == KITH_EV_DATA_CHANNEL || ev->type == KITH_EV_DC_OPEN;
    if (!ev->dc || begins || ev->type == KITH_EV_DC_CLOSED)
        return;
    size_t i = told_count[side];
    while (i > 0 && told_to[side][i - 1].dc != ev->dc)
        i--;
    if (i == 0 && ev->type == KITH_EV_DC_ERROR)
        return; /* it never opened */
    ck_assert_msg(i > 0, "%s is told of a channel that is not open", kith_event_name(ev->type));
    ck_assert_int_ne(told_to[side][i - 1].type, KITH_EV_DC_CLOSED);
}

static inline void note(enum side side, const kith_event *ev)
{
    ck_assert_uint_lt(told_count[side], MAX_TOLD);
    check_not_over(side, ev);
    told *t = &told_to[side][told_count[side]++];
    memset(t, 0, sizeof *t);
    t->type = ev->type;
    t->dc = ev->dc;
    const char *text = "";
    if (ev->type == KITH_EV_SIGNALING_STATE)
        t->state = (int)ev->signaling_state;
    else if (ev->type == KITH_EV_ICE_GATHERING_STATE)
        t->state = (int)ev->ice_gathering_state;
    else if (ev->type == KITH_EV_ICE_CONNECTION_STATE)
        t->state = (int)ev->ice_connection_state;
    else if (ev->type == KITH_EV_CONNECTION_STATE)
        t->state = (int)ev->connection_state;
    else if (ev->type == KITH_EV_ICE_CANDIDATE)
        text = ev->ice_candidate.candidate;
    else if (ev->type == KITH_EV_DC_ERROR)
        text = ev->error->message;
    if (ev->type == KITH_EV_DC_ERROR) {
        t->state = ev->error->sctp_cause_code;
        t->detail = ev->error->error_detail;
    }
    snprintf(t->text, sizeof t->text, "%.63s", text);
    if (ev->type != KITH_EV_DC_MESSAGE)
        return;
    t->len = ev->message.len;
    t->is_text = ev->message.is_text;
    memcpy(t->text, ev->message.data, t->len < sizeof t->text - 1 ? t->len : sizeof t->text - 1);
    ck_assert_int_eq(((const char *)ev->message.data)[t->len], 0); /* kith/event.h */
}

static inline void live_event(host *h, const kith_event *ev, void *user)
{
    note(((duo_peer *)user)->side, ev);
    duo_handler(h, ev, user);
}

/* duo_init that also records. */
static inline void live_init(duo *d, const duo_options *options)
{
    ck_assert(duo_init(d, options));
    told_count[LEFT] = told_count[RIGHT] = 0;
    duo_handler = d->peers[LEFT].host->on_event;
    d->peers[LEFT].host->on_event = d->peers[RIGHT].host->on_event = live_event;
}

/* Two peers with the channel "x" open, 10 ms apart. */
static inline void live_pair(duo *d)
{
    duo_options options = {.seed = 1, .link = {.delay = KITH_MS(10)}};
    live_init(d, &options);
    duo_connect(d);
}

static inline void run_ms(duo *d, int ms)
{
    world_run(d->world, KITH_MS(ms), NULL, NULL);
}

static inline kith_pc *pc_of(duo *d, enum side side)
{
    return d->peers[side].pc;
}

static inline kith_endpoint *ep_of(duo *d, enum side side)
{
    return d->peers[side].host->endpoint;
}

/* How often a side was told this; dc NULL: of any channel. */
static inline unsigned told_times(enum side side, kith_event_type type, const kith_dc *dc)
{
    unsigned count = 0;
    for (size_t i = 0; i < told_count[side]; i++)
        count += told_to[side][i].type == type && (!dc || told_to[side][i].dc == dc);
    return count;
}

/* The index-th event of a type, or NULL. */
static inline const told *told_nth(enum side side, kith_event_type type, unsigned index)
{
    for (size_t i = 0; i < told_count[side]; i++)
        if (told_to[side][i].type == type && index-- == 0)
            return &told_to[side][i];
    return NULL;
}

static inline kith_dc *channel(kith_pc *pc, const char *label, const kith_dc_init *init)
{
    kith_dc *dc = NULL;
    OK(kith_pc_create_data_channel(pc, label, init, &dc));
    return dc;
}

/* A channel on a connected peer whose owner has heard that it is open; no packet has left yet. */
static inline kith_dc *open_channel(duo *d, enum side side, const char *label,
                                    const kith_dc_init *init)
{
    kith_dc *dc = channel(pc_of(d, side), label, init);
    host *h = d->peers[side].host;
    for (const kith_event *ev; (ev = kith_endpoint_poll_event(h->endpoint));)
        h->on_event(h, ev, h->user);
    return dc;
}

/* The channel that a side heard of last. */
static inline kith_dc *last_incoming(enum side side)
{
    kith_dc *dc = NULL;
    for (size_t i = 0; i < told_count[side]; i++)
        if (told_to[side][i].type == KITH_EV_DATA_CHANNEL)
            dc = told_to[side][i].dc;
    return dc;
}

static inline size_t channels_in_stats(kith_pc *pc)
{
    kith_stats_report *report;
    OK(kith_pc_get_stats(pc, &report));
    size_t count = 0;
    for (size_t i = 0; i < kith_stats_report_size(report); i++)
        count += kith_stats_report_at(report, i)->type == KITH_STATS_DATA_CHANNEL;
    kith_stats_report_free(report);
    return count;
}

#endif

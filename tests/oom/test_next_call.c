/* Memory is short for a moment: allocation n fails, for every n, in the life of two peers. The call
 * that it happened to says NO_MEMORY and works when it is made again. What happened to no call is
 * made up for, or it is told by an event that the connection or the channel failed, and then the
 * next connection of the same endpoints works. No event is missing and no message is lost. */
#include "../sim/duo.h"
#include "../unit/unit.h"
#include "oom.h"

#define MESSAGES 12

static bool is_quiet(void *arg)
{
    const duo *d = arg;
    return d->peers[LEFT].messages == MESSAGES && d->peers[RIGHT].messages == MESSAGES;
}

static bool is_negotiation_needed(void *arg)
{
    const duo *d = arg;
    return d->peers[LEFT].needed == 1;
}

#define MUST(condition)                                                                    \
    ck_assert_msg(condition, "allocation %zu: " #condition "\n%s\n--- the other side: %s", \
                  oom.fail_at, kith_pc_why_failed(d->peers[LEFT].pc),                      \
                  kith_pc_why_failed(d->peers[RIGHT].pc))

/* New peer connections in place of the old ones. */
static void start_anew(duo *d)
{
    for (int side = LEFT; side <= RIGHT; side++) {
        duo_peer *p = &d->peers[side];
        kith_pc_free(p->pc);
        *p = (duo_peer){.duo = d, .side = p->side, .host = p->host};
        MUST(kith_pc_new(&p->pc, p->host->endpoint, NULL) == KITH_OK);
    }
}

static void connect_and_talk(duo *d)
{
    duo_offer(d, LEFT);
    MUST(!d->failed_call);
    if (!world_run(d->world, KITH_SECONDS(40), duo_is_open, d)) {
        MUST(oom.failed == 1);
        MUST(duo_has_failed(d) || d->peers[LEFT].closed == 1);
        start_anew(d);
        duo_offer(d, LEFT);
        MUST(world_run(d->world, KITH_SECONDS(40), duo_is_open, d));
    }
    for (int side = LEFT; side <= RIGHT; side++)
        duo_send(d, (enum side)side, MESSAGES, 3000);
    MUST(world_run(d->world, KITH_SECONDS(40), is_quiet, d));
    world_run(d->world, KITH_SECONDS(1), NULL, NULL);
    for (int side = LEFT; side <= RIGHT; side++) {
        const duo_peer *p = &d->peers[side];
        MUST(p->state == KITH_CONNECTION_STATE_CONNECTED);
        MUST(p->gathering == KITH_ICE_GATHERING_STATE_COMPLETE);
        MUST(p->candidates == 2); /* the host's and the end */
        MUST(!p->out_of_order);
        MUST(p->opened == 1);
    }
}

static void restart_and_part(duo *d)
{
    d->peers[LEFT].needed = 0;
    kith_pc_restart_ice(d->peers[LEFT].pc);
    MUST(world_run(d->world, KITH_SECONDS(1), is_negotiation_needed, d));
    duo_offer(d, LEFT);
    world_run(d->world, KITH_SECONDS(5), NULL, NULL);
    MUST(duo_is_connected(d));
    MUST(!d->failed_call);
    kith_stats_report *report = NULL;
    if (kith_pc_get_stats(d->peers[LEFT].pc, &report) != KITH_OK)
        MUST(kith_pc_get_stats(d->peers[LEFT].pc, &report) == KITH_OK);
    kith_stats_report_free(report);
    kith_dc_close(d->peers[LEFT].dc);
    MUST(world_run(d->world, KITH_SECONDS(40), duo_is_closed, d));
}

static void live(void)
{
    duo d;
    duo_options options = {
        .seed = 12, .link = {.delay = KITH_MS(10)}, .with_stun_server = true, .repeats = true};
    if (duo_init(&d, &options)) {
        connect_and_talk(&d);
        d.options.no_channel = true;
        restart_and_part(&d);
    }
    duo_deinit(&d);
}

START_TEST(the_next_call_works_after_every_failed_allocation)
{
    live(); /* what is made once for the process is made before the sweep counts */
    size_t nth = 0;
    do {
        oom_begin(++nth, false);
        live();
    } while (oom_end());
    ck_assert_uint_ge(nth, 200);
}
END_TEST

UNIT_MAIN("oom: next call", the_next_call_works_after_every_failed_allocation)

/* Connecting two peers of one process: descriptions and candidates go across by a call. */
#include "bench_pair.h"

kith_loop *bench_loop_new(void)
{
    static const char *const loopback[] = {"127.0.0.1", NULL};
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    kith_loop *loop = NULL;
    config.bind_addresses = loopback;
    config.loopback = true;
    config.no_ipv6 = true;
    kith_err err = kith_loop_new(&loop, &config);
    if (err != KITH_OK)
        tool_kith_error("cannot start a loop", err);
    return loop;
}

static kith_err make_ends(struct bench_pair *pair, kith_loop *loop)
{
    kith_err err = KITH_OK;
    for (int i = 0; i < 2 && err == KITH_OK; i++) {
        kith_pc_config config = KITH_PC_CONFIG_INIT;
        config.user = &pair->ends[i];
        pair->ends[i].pair = pair;
        err = kith_pc_new(&pair->ends[i].pc, kith_loop_endpoint(loop), &config);
    }
    if (err == KITH_OK)
        err = kith_pc_create_data_channel(pair->ends[0].pc, "bench", NULL, &pair->ends[0].dc);
    return err;
}

/* Offer and answer, each given to the other at once. */
static kith_err negotiate(struct bench_pair *pair)
{
    kith_pc *offerer = pair->ends[0].pc, *answerer = pair->ends[1].pc;
    kith_err err = kith_pc_set_local_description(offerer, NULL);
    if (err == KITH_OK)
        err = kith_pc_set_remote_description(answerer, kith_pc_local_description(offerer));
    if (err == KITH_OK)
        err = kith_pc_set_local_description(answerer, NULL);
    if (err == KITH_OK)
        err = kith_pc_set_remote_description(offerer, kith_pc_local_description(answerer));
    return err;
}

static bool is_made(kith_err err)
{
    if (err != KITH_OK)
        tool_kith_error("cannot make a pair of peers", err);
    return err == KITH_OK;
}

bool bench_pair_make(struct bench_pair *pair, kith_loop *loop)
{
    *pair = (struct bench_pair){0};
    return is_made(make_ends(pair, loop));
}

bool bench_pair_negotiate(struct bench_pair *pair)
{
    return is_made(negotiate(pair));
}

bool bench_pair_start(struct bench_pair *pair, kith_loop *loop)
{
    return bench_pair_make(pair, loop) && bench_pair_negotiate(pair);
}

struct bench_end *bench_end_of(const kith_event *ev)
{
    return kith_pc_user(ev->pc);
}

static void cross(struct bench_end *end, const kith_ice_candidate *candidate)
{
    struct bench_end *other = &end->pair->ends[end == &end->pair->ends[0]];
    if (kith_pc_add_ice_candidate(other->pc, candidate) != KITH_OK)
        end->pair->failed = true;
}

bool bench_pair_event(const kith_event *ev)
{
    struct bench_end *end = bench_end_of(ev);
    switch ((int)ev->type) {
    case KITH_EV_ICE_CANDIDATE:
        cross(end, &ev->ice_candidate);
        return true;
    case KITH_EV_DATA_CHANNEL:
        end->dc = ev->dc;
        return true;
    case KITH_EV_DC_OPEN:
        end->open = true;
        return true;
    case KITH_EV_CONNECTION_STATE:
        if (ev->connection_state == KITH_CONNECTION_STATE_FAILED) {
            tool_error("a pair did not connect: %s", kith_pc_why_failed(ev->pc));
            end->pair->failed = true;
        }
        return true;
    default:
        return false;
    }
}

bool bench_pair_is_open(const struct bench_pair *pair)
{
    return pair->ends[0].open && pair->ends[1].open;
}

bool bench_pair_connect(struct bench_pair *pair, kith_loop *loop)
{
    if (!bench_pair_start(pair, loop))
        return false;
    while (!bench_pair_is_open(pair) && !pair->failed) {
        const kith_event *ev = kith_loop_wait(loop, 10000);
        if (!ev) {
            tool_error("a pair did not connect within ten seconds: %s",
                       kith_pc_why_failed(pair->ends[0].pc));
            return false;
        }
        bench_pair_event(ev);
    }
    return !pair->failed;
}

void bench_pair_free(struct bench_pair *pair)
{
    for (int i = 0; i < 2; i++)
        kith_pc_free(pair->ends[i].pc);
    *pair = (struct bench_pair){0};
}

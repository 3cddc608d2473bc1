/* Channels that may lose messages, over links that do: nothing is damaged, nobody aborts, no link
 * is flooded. */
#include <string.h>

#include "../unit/unit.h"
#include "duo.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

/* What arrived on the right: messages filled with one byte each, so that damage shows. */
static struct {
    size_t whole, damaged, reliable;
} arrived;
static void (*count_by_duo)(host *h, const kith_event *ev, void *user);

static void inspect(host *h, const kith_event *ev, void *user)
{
    if (ev->type == KITH_EV_DC_MESSAGE && !ev->message.is_text) {
        const uint8_t *data = ev->message.data;
        bool same = true;
        for (size_t i = 1; i < ev->message.len; i++)
            same = same && data[i] == data[0];
        arrived.whole += same;
        arrived.damaged += !same;
    }
    arrived.reliable += ev->type == KITH_EV_DC_MESSAGE && ev->message.is_text;
    count_by_duo(h, ev, user);
}

typedef struct kind {
    bool unordered;
    int life_time, retransmits;
} kind;

static void begin(duo *d, const duo_options *options)
{
    ck_assert(duo_init(d, options));
    count_by_duo = d->peers[RIGHT].host->on_event;
    d->peers[RIGHT].host->on_event = inspect;
    memset(&arrived, 0, sizeof arrived);
    duo_connect(d);
}

static kith_dc *unreliable(duo *d, const kind *k)
{
    kith_dc_init init = KITH_DC_INIT;
    init.unordered = k->unordered;
    init.max_packet_life_time = k->life_time;
    init.max_retransmits = k->retransmits;
    kith_dc *dc;
    OK(kith_pc_create_data_channel(d->peers[LEFT].pc, "unreliable", &init, &dc));
    world_run(d->world, KITH_SECONDS(1), NULL, NULL);
    return dc;
}

static bool got_reliable(void *arg)
{
    (void)arg;
    return arrived.reliable > 0;
}

static bool is_empty(void *dc)
{
    return kith_dc_buffered_amount(dc) == 0;
}

/* A reliable message still arrives, soon or, where every tenth packet is lost, in the end. */
static void check_alive(duo *d, kith_dc *reliable)
{
    OK(kith_dc_send_text(reliable, "still", 5));
    ck_assert(world_run(d->world, KITH_SECONDS(60), got_reliable, NULL));
    ck_assert_uint_eq(arrived.damaged, 0);
    ck_assert_uint_eq(d->peers[LEFT].closed + d->peers[RIGHT].closed, 0);
    ck_assert_uint_eq(d->peers[LEFT].errors + d->peers[RIGHT].errors, 0);
}

/* usrsctp peers used to abort when a FORWARD-TSN skipped a message of which a part had come. */
START_TEST(fragmented_messages_are_lost_whole_at_any_loss)
{
    static const kind kinds[] = {{true, -1, 0},  {false, -1, 0},   {true, 0, -1},
                                 {true, 50, -1}, {false, 200, -1}, {true, -1, 2}};
    static const double losses[] = {0.01, 0.05, 0.1};
    static uint8_t bytes[20000];
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (size_t l = 0; l < sizeof losses / sizeof losses[0]; l++) {
            duo d;
            begin(&d, &(duo_options){.seed = 10 + k,
                                     .link = {.delay = KITH_MS(20), .loss = losses[l]}});
            kith_dc *reliable = d.peers[LEFT].dc, *dc = unreliable(&d, &kinds[k]);
            for (int i = 0; i < 200; i++) {
                size_t len = (size_t)(i % 10 == 0 ? 20000 : i % 3 == 0 ? 3000 : 100);
                memset(bytes, i, len);
                OK(kith_dc_send(dc, bytes, len));
                world_run(d.world, KITH_MS(10), NULL, NULL);
            }
            world_run(d.world, KITH_SECONDS(2), NULL, NULL);
            ck_assert_msg(arrived.whole > 0, "kind %zu, loss %.2f", k, losses[l]);
            check_alive(&d, reliable);
            ck_assert(world_run(d.world, KITH_SECONDS(60), is_empty, dc));
            duo_deinit(&d);
        }
}
END_TEST

/* Five times what the link carries: old messages give way before they cost a packet. */
START_TEST(an_overloaded_link_is_not_flooded_and_what_arrives_is_fresh)
{
    duo d;
    begin(&d, &(duo_options){
                  .seed = 20,
                  .link = {.delay = KITH_MS(20), .rate_bps = 1000000, .queue_bytes = 20000}});
    kith_dc *reliable = d.peers[LEFT].dc;
    kith_dc *dc = unreliable(&d, &(kind){true, 100, -1});
    static uint8_t bytes[1000];
    uint64_t sent = d.peers[LEFT].host->packets_sent, lost = d.peers[LEFT].host->packets_lost;
    size_t longest_queue = 0;
    for (int i = 0; i < 6000; i++) { /* 5 Mbit/s for 10 s */
        memset(bytes, i, sizeof bytes);
        OK(kith_dc_send(dc, bytes, sizeof bytes));
        if (i % 5 == 4)
            world_run(d.world, KITH_MS(8), NULL, NULL);
        size_t queue = kith_dc_buffered_amount(dc);
        longest_queue = queue > longest_queue ? queue : longest_queue;
    }
    sent = d.peers[LEFT].host->packets_sent - sent;
    lost = d.peers[LEFT].host->packets_lost - lost;
    ck_assert_msg(longest_queue <= 120000, "%zu bytes wait",
                  longest_queue); /* 100 ms and what is new */
    ck_assert_msg(lost * 5 < sent, "%llu of %llu packets were too many", (unsigned long long)lost,
                  (unsigned long long)sent);
    /* The link carries 1100 of them. */
    ck_assert_msg(arrived.whole >= 500 && arrived.whole <= 1300, "%zu arrived", arrived.whole);
    check_alive(&d, reliable);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_reliable_channel_beside_a_flood_has_its_share)
{
    duo d;
    begin(&d, &(duo_options){.seed = 21, .link = {.delay = KITH_MS(20), .rate_bps = 2000000}});
    kith_dc *reliable = d.peers[LEFT].dc;
    kith_dc *dc = unreliable(&d, &(kind){true, 200, -1});
    static uint8_t bytes[1000];
    for (int i = 0; i < 100; i++)
        OK(kith_dc_send_text(reliable, (const char *)bytes, sizeof bytes));
    for (int i = 0; i < 1000; i++) {
        OK(kith_dc_send(dc, bytes, sizeof bytes));
        world_run(d.world, KITH_MS(2), NULL, NULL);
    }
    ck_assert_msg(arrived.reliable == 100, "%zu", arrived.reliable);
    ck_assert_uint_gt(arrived.whole, 50);
    duo_deinit(&d);
}
END_TEST

static void close_again_and_again(uint64_t seed)
{
    duo d;
    begin(&d, &(duo_options){.seed = seed, .link = {.delay = KITH_MS(20), .loss = 0.1}});
    static uint8_t bytes[5000];
    for (int i = 0; i < 10; i++) {
        kith_dc *dc = unreliable(&d, &(kind){true, -1, 0});
        for (int n = 0; n < 20 && kith_dc_ready_state(dc) == KITH_DC_STATE_OPEN; n++)
            OK(kith_dc_send(dc, bytes, sizeof bytes));
        kith_dc_close(dc);
        for (int n = 0; n < 100 && kith_dc_ready_state(dc) != KITH_DC_STATE_CLOSED; n++)
            world_run(d.world, KITH_MS(200), NULL, NULL);
        ck_assert_msg(kith_dc_ready_state(dc) == KITH_DC_STATE_CLOSED, "seed %d: number %d",
                      (int)seed, i);
        ck_assert_int_eq(kith_dc_id(dc), 3);
        kith_dc_free(dc);
    }
    ck_assert_uint_eq(d.peers[LEFT].errors + d.peers[RIGHT].errors, 0);
    duo_deinit(&d);
}

/* Now and then the FORWARD TSN is lost that is the last that there is to say, or its SACK. */
START_TEST(an_unreliable_channel_closes_and_its_id_is_used_again_in_spite_of_loss)
{
    for (uint64_t seed = 1; seed <= 100; seed++)
        close_again_and_again(seed);
}
END_TEST

UNIT_MAIN("sim: unreliable", fragmented_messages_are_lost_whole_at_any_loss,
          an_overloaded_link_is_not_flooded_and_what_arrives_is_fresh,
          a_reliable_channel_beside_a_flood_has_its_share,
          an_unreliable_channel_closes_and_its_id_is_used_again_in_spite_of_loss)

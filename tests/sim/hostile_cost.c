/* Attacks one by one, for hostile_cost.sh to count what each of their packets costs: KITH_ATTACK
 * says which; without it, prints their names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile.h"

#define HEARTBEAT_INFO 1

/* ---- acknowledgements ---- */

static uint32_t acknowledged, in_flight;

static void fill(scene *s, uint32_t chunks)
{
    acknowledged = fill_flight(s, chunks);
    in_flight = s->victims_tsn - acknowledged;
}

static void fill_some(scene *s)
{
    fill(s, 150);
}

static void fill_more(scene *s)
{
    fill(s, 400);
}

/* Blocks of one chunk, over all that is in flight, others each time. */
static void put_blocks(unsigned number, uint16_t count)
{
    uint16_t blocks[250][2];
    uint32_t first = 2 + number % 2;
    for (uint16_t i = 0; i < count; i++)
        blocks[i][0] = blocks[i][1] = (uint16_t)(first + (in_flight - 3) * i / (count - 1u));
    put_sack_chunk(acknowledged, blocks, count);
}

static void acknowledge_holes(scene *s, unsigned number)
{
    begin_packet(s);
    put_blocks(number, 250);
    send_packet(s);
}

static void acknowledge_holes_again(scene *s, unsigned number)
{
    acknowledge_holes(s, number & 0);
}

static void acknowledge_holes_twice(scene *s, unsigned number)
{
    begin_packet(s);
    put_blocks(number, 120);
    put_blocks(number + 1, 120);
    send_packet(s);
}

/* What was acknowledged is not any more. */
static void acknowledge_and_revoke(scene *s, unsigned number)
{
    uint16_t all[1][2] = {{2, (uint16_t)in_flight}};
    begin_packet(s);
    put_sack_chunk(acknowledged, all, (uint16_t)(number % 2));
    send_packet(s);
}

static void acknowledge_and_revoke_twice(scene *s, unsigned number)
{
    uint16_t all[1][2] = {{2, (uint16_t)in_flight}};
    (void)number;
    begin_packet(s);
    put_sack_chunk(acknowledged, all, 1);
    put_sack_chunk(acknowledged, all, 0);
    send_packet(s);
}

static void acknowledge_nothing(scene *s, unsigned number)
{
    (void)number;
    put_sack(s, acknowledged, NULL, 0);
}

static void acknowledge_one(scene *s, unsigned number)
{
    (void)number;
    if (acknowledged != s->victims_tsn)
        acknowledged++;
    put_sack(s, acknowledged, NULL, 0);
}

/* ---- forward TSN ---- */

static void put_forward(uint32_t tsn, unsigned number, unsigned streams)
{
    put_chunk(FORWARD_TSN, 0, 4 + 4 * (size_t)streams);
    put_u32(tsn);
    for (unsigned i = 0; i < streams; i++) {
        put_u16((uint16_t)i);
        put_u16((uint16_t)number);
    }
}

static void forward_one(scene *s, unsigned number)
{
    begin_packet(s);
    put_forward(++s->tsn, number, 280);
    send_packet(s);
}

static void forward_far(scene *s, unsigned number)
{
    s->tsn += 4000;
    begin_packet(s);
    put_forward(s->tsn, number, 280);
    send_packet(s);
}

static void forward_behind(scene *s, unsigned number)
{
    begin_packet(s);
    put_forward(s->tsn, number, 280);
    send_packet(s);
}

static void forward_twice(scene *s, unsigned number)
{
    begin_packet(s);
    put_forward(++s->tsn, number, 139);
    put_forward(++s->tsn, number, 139);
    send_packet(s);
}

/* Over as many TSNs as can be told apart. */
static void forward_over_all(scene *s, unsigned number)
{
    begin_packet(s);
    put_forward(s->tsn + 3900, number, 100);
    put_data(WHOLE | UNORDERED, s->tsn + 3901, s->stream, 0, 1);
    send_packet(s);
    s->tsn += 3900;
}

static void widen_map(scene *s)
{
    begin_packet(s);
    put_data(WHOLE | UNORDERED, s->tsn + 4000, s->stream, 0, 1);
    send_packet(s);
}

/* On each stream a message begins, and nothing of it is passed by. */
static void begin_on_all(scene *s)
{
    for (unsigned i = 0; i < 250; i++) {
        begin_packet(s);
        put_data(FIRST | UNORDERED, s->tsn + 2000 + i, (uint16_t)i, 0, 1);
        send_packet(s);
    }
}

/* Many streams' messages wait, and each FORWARD TSN names them. */
static void fill_streams(scene *s)
{
    s->tsn++;
    for (unsigned i = 0; i < 80; i++) {
        begin_packet(s);
        for (unsigned j = 0; j < 50; j++)
            put_data(WHOLE, ++s->tsn, (uint16_t)(j * 5), (uint16_t)(2 + i), 1);
        send_packet(s);
    }
    s->tsn -= 4001;
}

static void forward_beneath_waiting(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    put_forward(s->tsn, 0, 280);
    send_packet(s);
}

static void fill_one_stream(scene *s)
{
    s->tsn++;
    for (unsigned i = 0; i < 40; i++) {
        begin_packet(s);
        for (unsigned j = 0; j < 50; j++)
            put_data(WHOLE, ++s->tsn, s->stream, (uint16_t)(2 + i * 50 + j), 1);
        send_packet(s);
    }
    s->tsn -= 2001;
}

/* The same stream, again and again in one chunk. */
static void forward_one_stream(scene *s, unsigned number)
{
    begin_packet(s);
    put_chunk(FORWARD_TSN, 0, 4 + 4 * 280);
    put_u32(s->tsn);
    for (unsigned i = 0; i < 280; i++) {
        put_u16(s->stream);
        put_u16(0);
    }
    (void)number;
    send_packet(s);
}

/* ---- data ---- */

static void repeat_data(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    for (int i = 0; i < 50; i++)
        put_data(WHOLE | UNORDERED, s->tsn, s->stream, 0, 1);
    send_packet(s);
}

static void say_on_all_streams(scene *s, unsigned number)
{
    begin_packet(s);
    for (unsigned i = 0; i < 50; i++)
        put_data(WHOLE, ++s->tsn, (uint16_t)(5 + (number * 50 + i) % 250),
                 (uint16_t)(number * 50 / 250), 1);
    send_packet(s);
}

/* Every other TSN, so that there are as many gaps as there can be. */
static void say_with_holes(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    for (unsigned i = 0; i < 50; i++) {
        s->tsn += 2;
        put_data(WHOLE | UNORDERED, s->tsn, s->stream, 0, 1);
    }
    if (number % 40 == 39)
        s->tsn -= 4000;
    send_packet(s);
}

/* What came has as many gaps as a SACK can tell; all that comes again has them told. */
static void leave_holes(scene *s)
{
    for (unsigned i = 0; i < 40; i++)
        say_with_holes(s, i);
    s->tsn += 2;
}

static void withhold_on_all_streams(scene *s, unsigned number)
{
    begin_packet(s);
    for (unsigned i = 0; i < 50; i++)
        put_data(WHOLE, ++s->tsn, (uint16_t)((number * 50 + i) % 250),
                 (uint16_t)(2 + number * 50 / 250), 1);
    send_packet(s);
}

/* As many fragments as are taken of a packet, none where it is expected, behind what came. */
static void go_on_backwards(scene *s, unsigned number)
{
    begin_packet(s);
    for (unsigned i = 0; i < 44; i++)
        put_data(WHOLE | UNORDERED, s->tsn, s->stream, 0, 1);
    for (unsigned i = 6; i > 0; i--)
        put_data(number == 0 && i == 1 ? FIRST : 0, s->tsn + i, s->stream, s->ssn, 1);
    s->tsn += 6;
    send_packet(s);
}

/* Messages in two pieces. */
static void say_in_halves(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    for (unsigned i = 0; i < 44; i++)
        put_data(WHOLE | UNORDERED, s->tsn, s->stream, 0, 1);
    for (unsigned i = 0; i < 6; i++)
        put_data((uint8_t)(UNORDERED | (i % 2 == 0 ? FIRST : LAST)), ++s->tsn, s->stream, 0, 1);
    send_packet(s);
}

/* ---- control ---- */

static void say_unknown_behind_data(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    put_data(WHOLE | UNORDERED, s->tsn, s->stream, 0, 1);
    for (unsigned i = 0; i < 200; i++)
        put_chunk((uint8_t)(0xF0 + i % 8), 0, 0);
    send_packet(s);
}

static void say_heartbeat(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    put_chunk(HEARTBEAT, 0, 1100);
    put_u16(HEARTBEAT_INFO);
    put_u16(1100);
    put_bytes(1096);
    send_packet(s);
}

static void say_unknown(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    for (unsigned i = 0; i < 8; i++) {
        put_chunk((uint8_t)(0xF0 + i), 0, 100);
        put_bytes(100);
    }
    send_packet(s);
}

static void put_init(const scene *s, size_t junk)
{
    put_chunk(INIT, 0, 16 + junk);
    put_u32(s->tag ^ 1);
    put_u32(100000);
    put_u16(256);
    put_u16(256);
    put_u32(1);
    for (size_t i = 0; i < junk / 4; i++) {
        put_u16(0xC0FF);
        put_u16(4);
    }
}

static void say_init(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    put_init(s, 0);
    send_packet(s);
}

static void say_long_init(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    put_init(s, 1000);
    send_packet(s);
}

static void say_cookie(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    put_chunk(10, 0, 1000);
    put_bytes(1000);
    send_packet(s);
}

static void ask_for_reset(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    put_chunk(RECONFIG, 0, 8 + 400);
    put_u16(14);
    put_u16(8 + 400);
    put_u32(s->request++);
    for (unsigned i = 0; i < 200; i++)
        put_u16((uint16_t)(2 + i));
    send_packet(s);
}

static void reset_again(scene *s, unsigned number)
{
    if (number > 0)
        s->request--;
    reset_now(s, number);
}

static void reset_all(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    put_chunk(RECONFIG, 0, 16);
    put_u16(13);
    put_u16(16);
    put_u32(s->request++);
    put_u32(0);
    put_u32(s->tsn);
    send_packet(s);
}

static void add_streams(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    put_chunk(RECONFIG, 0, 12);
    put_u16(17);
    put_u16(12);
    put_u32(s->request++);
    put_u16(20);
    put_u16(0);
    send_packet(s);
}

static void say_error(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    put_chunk(ERROR, 0, 1100);
    for (unsigned i = 0; i < 275; i++) {
        put_u16(0xC0);
        put_u16(4);
    }
    send_packet(s);
}

/* ---- beneath SCTP ---- */

static void say_no_record(scene *s, unsigned number)
{
    uint8_t junk[1200] = {23, 254, 253, 0, 1, 0, 1, 0, 0, 0, 0, 4, 0};
    junk[9] = (uint8_t)(number >> 8);
    junk[10] = (uint8_t)number;
    junk[11] = (uint8_t)((sizeof junk - 13) >> 8);
    junk[12] = (uint8_t)(sizeof junk - 13);
    send_datagram(s, junk, sizeof junk);
}

static void say_short_records(scene *s, unsigned number)
{
    uint8_t junk[1200];
    size_t len = 0;
    (void)number;
    for (; len + 38 < sizeof junk; len += 38) {
        static const uint8_t head[13] = {23, 254, 253, 0, 1, 0, 1, 0, 0, 0, 0, 0, 25};
        memset(junk + len, 1, 38);
        memcpy(junk + len, head, sizeof head);
    }
    send_datagram(s, junk, len);
}

typedef struct known {
    const char *name;
    unsigned count;
    bool is_asleep;
    void (*one)(scene *s, unsigned number);
    void (*prepare)(scene *s);
} known;

static const known attacks[] = {
    {"short", 2000, false, say_short_messages, NULL},
    {"short-asleep", 2000, true, say_short_messages, NULL},
    {"long", 2000, false, say_long_messages, NULL},
    {"long-asleep", 2000, true, say_long_messages, NULL},
    {"endless", 2000, false, go_on_in_order, NULL},
    {"endless-unordered", 2000, false, go_on_unordered, NULL},
    {"endless-backwards", 2000, false, go_on_backwards, NULL},
    {"halves", 2000, false, say_in_halves, NULL},
    {"begun", 2000, false, begin_messages, NULL},
    {"labels", 2000, false, open_with_long_labels, NULL},
    {"withheld", 2000, false, withhold_a_message, NULL},
    {"withheld-ends", 200, false, withhold_from_both_ends, NULL},
    {"withheld-tsn", 2000, false, withhold_a_tsn, NULL},
    {"withheld-fragments", 200, false, withhold_fragments, NULL},
    {"withheld-all", 2000, false, withhold_on_all_streams, NULL},
    {"repeated-behind", 1000, false, repeat_data, leave_holes},
    {"repeated", 1000, false, repeat_data, NULL},
    {"all-streams", 1000, false, say_on_all_streams, NULL},
    {"no-stream", 1000, false, say_on_no_stream, NULL},
    {"holes", 1000, false, say_with_holes, NULL},
    {"resets-later", 1000, false, reset_later, NULL},
    {"resets-now", 1000, false, reset_now, NULL},
    {"resets-now-asleep", 1000, true, reset_now, NULL},
    {"resets-again", 1000, false, reset_again, NULL},
    {"resets-all", 1000, false, reset_all, NULL},
    {"resets-asked", 1000, false, ask_for_reset, NULL},
    {"streams-added", 1000, false, add_streams, NULL},
    {"sack", 1000, false, acknowledge_nothing, fill_some},
    {"sack-each", 200, false, acknowledge_one, fill_more},
    {"sack-holes-150", 1000, false, acknowledge_holes, fill_some},
    {"sack-holes-400", 1000, false, acknowledge_holes, fill_more},
    {"sack-again-400", 1000, false, acknowledge_holes_again, fill_more},
    {"sack-twice-400", 1000, false, acknowledge_holes_twice, fill_more},
    {"sack-revoked-400", 1000, false, acknowledge_and_revoke, fill_more},
    {"sack-revoked-twice-400", 1000, false, acknowledge_and_revoke_twice, fill_more},
    {"forward", 1000, false, forward_one, NULL},
    {"forward-far", 1000, false, forward_far, NULL},
    {"forward-behind", 1000, false, forward_behind, NULL},
    {"forward-twice", 1000, false, forward_twice, NULL},
    {"forward-waiting", 1000, false, forward_beneath_waiting, fill_streams},
    {"forward-one-stream", 1000, false, forward_one_stream, fill_one_stream},
    {"forward-over-all", 1000, false, forward_over_all, widen_map},
    {"forward-begun", 1000, false, forward_one, begin_on_all},
    {"heartbeat", 1000, false, say_heartbeat, NULL},
    {"unknown", 1000, false, say_unknown, NULL},
    {"unknown-behind", 1000, false, say_unknown_behind_data, NULL},
    {"init", 1000, false, say_init, NULL},
    {"init-long", 1000, false, say_long_init, NULL},
    {"cookie", 1000, false, say_cookie, NULL},
    {"error", 1000, false, say_error, NULL},
    {"no-record", 1000, false, say_no_record, NULL},
    {"short-records", 1000, false, say_short_records, NULL},
};

static void measure(const known *a)
{
    static scene s;
    begin_scene(&s);
    if (a->prepare)
        a->prepare(&s);
    s.most_steps = 0;
    s.victim->slow = a->is_asleep;
    s.is_measured = true;
    attack(&s, a->count, a->one);
    printf("%u packets, %u messages told, %llu list entries in one at most, %u chunks in flight\n",
           a->count, s.attackers_messages, (unsigned long long)s.most_steps, in_flight);
    /* or the rest of them cost next to nothing */
    ck_assert_int_eq(kith_sctp_get_state(sctp_of(s.towards_attacker)), KITH_SCTP_CONNECTED);
    world_free(s.world);
}

START_TEST(an_attack_costs)
{
    const char *name = getenv("KITH_ATTACK");
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
        if (!name)
            puts(attacks[i].name);
        else if (strcmp(name, attacks[i].name) == 0)
            measure(&attacks[i]);
    }
}
END_TEST

UNIT_MAIN("sim: hostile cost", an_attack_costs)

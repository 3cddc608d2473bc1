/* A peer that has all the keys and speaks SCTP by hand: it ignores the window, withholds what
 * others wait for and ends nothing that it begins. Whatever it does, the memory of the whole
 * process grows by twice the receive buffer and 1 MiB at most, no packet makes the receiver walk
 * over long lists, and the honest peer beside it lives. */
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "base/reader.h"
#include "base/writer.h"
#include "heap.h"
#include "kith/kith.h"
#include "pc/pc.h"
#include "sctp/usrsctp/association.h"
#include "wire/dcep.h"
#include "world.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

#define DATA        0
#define INIT        1
#define INIT_ACK    2
#define SACK        3
#define HEARTBEAT   4
#define RECONFIG    130
#define FORWARD_TSN 192

/* Flags of DATA (RFC 9260 section 3.3.1). */
#define LAST      1
#define FIRST     2
#define WHOLE     3
#define UNORDERED 4

#define RECEIVE_BUFFER ((size_t)1 << 20)
#define MEMORY_LIMIT   (2 * RECEIVE_BUFFER + ((size_t)1 << 20))
#define LINK_DELAY     KITH_MS(5)
/* By which an attack may hold up others: the attacker's turn with a driver that sends four packets
 * in a millisecond, and the rest of the millisecond. */
#define MOST_DELAY KITH_MS(6)
/* Entries of sorted lists that one packet may make the receiver walk over. */
#define MOST_STEPS 512

typedef struct scene {
    world *world;
    host *victim, *attacker, *honest;
    /* of the victim towards both, and theirs */
    kith_pc *towards_attacker, *towards_honest, *attackers, *honests;
    kith_dc *honest_dc, *victims_dc;
    unsigned opened, honest_messages;
    /* of the victim's channel to the honest peer; how long messages between the two took at most */
    kith_dc *to_honest;
    kith_time longest;
    /* what the attacker knows: the victim's tag, its own last TSN and SSN, its next request, and
     * the victim's last TSN */
    uint32_t tag, tsn, request, victims_tsn;
    uint16_t ssn, stream;
    /* its own engine neither hears nor speaks any more */
    bool by_hand;
    size_t heap_before, heap_most;
    uint64_t list_steps, most_steps;
} scene;

static scene *current;

/* ---- listening in ---- */

/* The linker puts it in front of kith_sctp_input. */
void __real_kith_sctp_input(kith_sctp *sctp, kith_time now, const uint8_t *data, size_t len);
void __wrap_kith_sctp_input(kith_sctp *sctp, kith_time now, const uint8_t *data, size_t len);

static void note_chunks(scene *s, const uint8_t *data, size_t len, bool from_victim)
{
    kith_reader r = kith_rd(data, len);
    kith_rd_skip(&r, 12);
    while (kith_rd_left(&r) >= 4) {
        uint8_t type = kith_rd_u8(&r);
        kith_rd_skip(&r, 1);
        uint16_t chunk_len = kith_rd_u16(&r);
        kith_reader body = r;
        uint32_t first = kith_rd_u32(&body);
        kith_rd_skip(&body, 8);
        uint32_t initial_tsn = kith_rd_u32(&body);
        bool is_init = type == INIT || type == INIT_ACK;
        if (from_victim && is_init)
            s->tag = first;
        if (from_victim && (type == DATA || is_init))
            s->victims_tsn = is_init ? initial_tsn - 1 : first;
        if (!from_victim && is_init)
            s->request = initial_tsn;
        if (!from_victim && (type == DATA || is_init))
            s->tsn = is_init ? initial_tsn - 1 : first;
        kith_rd_skip(&r, ((chunk_len + 3u) & ~3u) - 4u);
    }
}

static kith_sctp *sctp_of(kith_pc *pc)
{
    return pc ? kith_pc_transport(pc)->sctp : NULL;
}

void __wrap_kith_sctp_input(kith_sctp *sctp, kith_time now, const uint8_t *data, size_t len)
{
    scene *s = current;
    if (s && sctp == sctp_of(s->attackers)) {
        note_chunks(s, data, len, true);
        if (s->by_hand)
            return;
    } else if (s && sctp == sctp_of(s->towards_attacker) && !s->by_hand) {
        note_chunks(s, data, len, false);
    }
    __real_kith_sctp_input(sctp, now, data, len);
}

static bool only_stun(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h;
    (void)path;
    (void)len;
    scene *s = user;
    return !s->by_hand || data[0] < 4;
}

/* ---- the scene ---- */

static kith_pc *other_of(const kith_pc *pc)
{
    scene *s = current;
    if (pc == s->towards_attacker)
        return s->attackers;
    if (pc == s->attackers)
        return s->towards_attacker;
    return pc == s->honests ? s->towards_honest : s->honests;
}

/* Messages of the honest two begin with the time at which they were sent. */
static void on_message(scene *s, const kith_event *ev)
{
    bool is_honest = ev->pc == s->towards_honest || ev->pc == s->honests;
    kith_time sent;
    if (!is_honest || ev->message.len != sizeof sent)
        return;
    memcpy(&sent, ev->message.data, sizeof sent);
    if (virtual_now() - sent > s->longest)
        s->longest = virtual_now() - sent;
    s->honest_messages++;
}

static void on_event(host *h, const kith_event *ev, void *user)
{
    (void)h;
    scene *s = user;
    if (ev->type == KITH_EV_ICE_CANDIDATE && kith_pc_remote_description(other_of(ev->pc)))
        OK(kith_pc_add_ice_candidate(other_of(ev->pc), &ev->ice_candidate));
    if (ev->type == KITH_EV_DC_MESSAGE)
        on_message(s, ev);
    if (ev->type != KITH_EV_DC_OPEN)
        return;
    s->opened++;
    if (ev->pc == s->honests)
        s->honest_dc = ev->dc;
    if (ev->pc == s->towards_honest)
        s->to_honest = ev->dc;
    if (ev->pc == s->towards_attacker && !s->victims_dc)
        s->victims_dc = ev->dc;
}

static void signal_to(kith_pc *from, kith_pc *to)
{
    OK(kith_pc_set_local_description(from, NULL));
    OK(kith_pc_set_remote_description(to, kith_pc_local_description(from)));
    OK(kith_pc_set_local_description(to, NULL));
    OK(kith_pc_set_remote_description(from, kith_pc_local_description(to)));
}

static host *add_host(scene *s, const char *name, const char *ip)
{
    host *h = world_add_host(s->world, name, ip, NAT_NONE, (link_config){.delay = LINK_DELAY});
    h->on_event = on_event;
    h->user = s;
    return h;
}

static void say_honestly(kith_dc *dc)
{
    kith_time now = virtual_now();
    OK(kith_dc_send(dc, &now, sizeof now));
}

static bool all_open(void *arg)
{
    return ((scene *)arg)->opened == 4;
}

static void run_ms(scene *s, int ms)
{
    world_run(s->world, KITH_MS(ms), NULL, NULL);
}

static void begin_scene(scene *s)
{
    *s = (scene){.world = world_new(5), .stream = 0};
    current = s;
    s->victim = add_host(s, "victim", "192.0.2.1");
    s->attacker = add_host(s, "attacker", "198.51.100.1");
    s->honest = add_host(s, "honest", "198.51.100.2");
    s->attacker->tap = only_stun;
    s->attacker->tap_user = s;
    OK(kith_pc_new(&s->towards_attacker, s->victim->endpoint, NULL));
    OK(kith_pc_new(&s->towards_honest, s->victim->endpoint, NULL));
    OK(kith_pc_new(&s->attackers, s->attacker->endpoint, NULL));
    OK(kith_pc_new(&s->honests, s->honest->endpoint, NULL));
    OK(kith_pc_create_data_channel(s->attackers, "x", NULL, NULL));
    OK(kith_pc_create_data_channel(s->honests, "y", NULL, NULL));
    signal_to(s->honests, s->towards_honest);
    signal_to(s->attackers, s->towards_attacker);
    ck_assert(world_run(s->world, KITH_SECONDS(10), all_open, s));
    run_ms(s, 1000);
    s->stream = (uint16_t)kith_dc_id(s->victims_dc);
    s->ssn = 1; /* DATA_CHANNEL_OPEN was 0 */
    s->by_hand = true;
    s->heap_before = s->heap_most = heap_bytes();
}

static kith_hub_counts counts_of(const scene *s)
{
    kith_hub_counts counts;
    kith_hub_get_counts(sctp_of(s->towards_attacker)->port, &counts);
    return counts;
}

static void look(scene *s)
{
    size_t heap = heap_bytes();
    s->heap_most = heap > s->heap_most ? heap : s->heap_most;
    uint64_t steps = counts_of(s).list_steps;
    if (steps - s->list_steps > s->most_steps)
        s->most_steps = steps - s->list_steps;
    s->list_steps = steps;
}

static void end_scene(scene *s)
{
    size_t grown = s->heap_most - s->heap_before;
    ck_assert_msg(grown <= MEMORY_LIMIT, "%zu bytes more", grown);
    ck_assert_msg(s->most_steps <= MOST_STEPS, "%llu steps", (unsigned long long)s->most_steps);
    s->victim->slow = false;
    s->honest_messages = 0;
    for (unsigned i = 0; i < 50; i++)
        say_honestly(s->honest_dc);
    run_ms(s, 2000);
    ck_assert_uint_eq(s->honest_messages, 50);
    world_free(s->world);
    current = NULL;
}

/* ---- the attacker's voice ---- */

static uint8_t packet_bytes[1172];
static kith_writer packet;

static void begin_packet(const scene *s)
{
    packet = kith_wr(packet_bytes, sizeof packet_bytes);
    kith_wr_u16(&packet, 5000);
    kith_wr_u16(&packet, 5000);
    kith_wr_u32(&packet, s->tag);
    kith_wr_u32(&packet, 0);
}

static void put_chunk(uint8_t type, uint8_t flags, size_t body)
{
    kith_wr_u8(&packet, type);
    kith_wr_u8(&packet, flags);
    kith_wr_u16(&packet, (uint16_t)(4 + body));
}

static void put_bytes(size_t count)
{
    for (size_t i = 0; i < count; i++)
        kith_wr_u8(&packet, 'x');
    while (packet.len % 4 != 0)
        kith_wr_u8(&packet, 0);
}

static void put_data(uint8_t flags, uint32_t tsn, uint16_t stream, uint16_t ssn, size_t len)
{
    put_chunk(DATA, flags, 12 + len);
    kith_wr_u32(&packet, tsn);
    kith_wr_u16(&packet, stream);
    kith_wr_u16(&packet, ssn);
    kith_wr_u32(&packet, KITH_PPID_BINARY);
    put_bytes(len);
}

static void send_packet(scene *s)
{
    ck_assert(!packet.bad);
    uint8_t datagram[1400];
    size_t len = kith_dtls_send(kith_pc_transport(s->attackers)->dtls, packet.data, packet.len,
                                datagram, sizeof datagram);
    ck_assert_uint_gt(len, 0);
    kith_packet_info info = {.size = sizeof info,
                             .path = {.local = s->victim->address, .remote = s->attacker->address}};
    kith_endpoint_handle_packet(s->victim->endpoint, virtual_now(), &info, datagram, len);
    look(s);
}

/* `count` packets, 20 in a millisecond, while the honest two talk. */
static void attack(scene *s, unsigned count, void (*one)(scene *s, unsigned number))
{
    unsigned messages = 0;
    s->honest_messages = 0;
    s->longest = 0;
    for (unsigned i = 0; i < count; i++) {
        one(s, i);
        if (i % 20 != 19)
            continue;
        if (!s->victim->slow) {
            say_honestly(s->honest_dc);
            say_honestly(s->to_honest);
            messages += 2;
        }
        run_ms(s, 1);
    }
    run_ms(s, 100);
    look(s);
    ck_assert_uint_eq(s->honest_messages, messages);
    ck_assert_int_le(s->longest, LINK_DELAY + MOST_DELAY);
}

static void check(unsigned count, bool is_asleep, void (*one)(scene *s, unsigned number))
{
    static scene s;
    begin_scene(&s);
    s.victim->slow = is_asleep;
    attack(&s, count, one);
    end_scene(&s);
}

/* ---- memory ---- */

#define SHORT_ONES 50

static void say_short_messages(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    for (int i = 0; i < SHORT_ONES; i++)
        put_data(WHOLE | UNORDERED, ++s->tsn, s->stream, 0, 1);
    send_packet(s);
}

static void say_long_messages(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    put_data(WHOLE | UNORDERED, ++s->tsn, s->stream, 0, 1100);
    send_packet(s);
}

START_TEST(messages_that_nobody_reads_are_held_by_the_limit)
{
    check(10000, true, say_short_messages);
    check(10000, true, say_long_messages);
}
END_TEST

static void go_on_for_ever(scene *s, unsigned number, uint8_t flags)
{
    begin_packet(s);
    for (unsigned i = 0; i < SHORT_ONES; i++)
        put_data(number == 0 && i == 0 ? flags | FIRST : flags, ++s->tsn, s->stream, s->ssn, 1);
    send_packet(s);
}

static void go_on_in_order(scene *s, unsigned number)
{
    go_on_for_ever(s, number, 0);
}

static void go_on_unordered(scene *s, unsigned number)
{
    go_on_for_ever(s, number, UNORDERED);
}

START_TEST(an_endless_message_in_fragments_of_a_byte_is_ended_at_the_limit)
{
    for (int is_asleep = 0; is_asleep < 2; is_asleep++) {
        check(10000, is_asleep, go_on_in_order);
        check(10000, is_asleep, go_on_unordered);
    }
}
END_TEST

START_TEST(a_message_above_the_limit_ends_the_association_while_it_comes)
{
    static scene s;
    begin_scene(&s);
    s.victim->slow = true; /* so that nobody but usrsctp sees it */
    size_t fragments = 0;
    while (kith_sctp_get_state(sctp_of(s.towards_attacker)) != KITH_SCTP_CLOSED) {
        begin_packet(&s);
        put_data(fragments == 0 ? FIRST : 0, ++s.tsn, s.stream, s.ssn, 1000);
        send_packet(&s);
        run_ms(&s, 1);
        ck_assert_uint_lt(++fragments, 1000);
        s.victim->slow = fragments < 270;
    }
    /* 262144 bytes, and the one that shows. */
    ck_assert_uint_le(fragments, 272);
    ck_assert_ptr_nonnull(
        strstr(kith_sctp_get_error(sctp_of(s.towards_attacker))->message, "longer than 262144"));
    s.list_steps = s.most_steps = 0;
    end_scene(&s);
}
END_TEST

/* One message after the other begins, and none ends. */
static void begin_messages(scene *s, unsigned number)
{
    begin_packet(s);
    for (unsigned i = 0; i < 40; i++)
        put_data(FIRST | UNORDERED, ++s->tsn, (uint16_t)((number * 40 + i) % 256), 0, 1);
    send_packet(s);
}

START_TEST(messages_that_are_only_begun_are_held_by_the_limit)
{
    check(5000, false, begin_messages);
}
END_TEST

/* ---- channels ---- */

#define LABEL     65000
#define FRAGMENTS 65

/* Channel after channel is opened, with a label of 65000 bytes in as many packets as it takes. */
static void open_with_long_labels(scene *s, unsigned number)
{
    uint16_t stream = (uint16_t)(s->stream + 2 + 2 * (number / FRAGMENTS));
    unsigned fragment = number % FRAGMENTS;
    bool is_last = fragment == FRAGMENTS - 1;
    begin_packet(s);
    put_chunk(DATA,
              fragment == 0 ? FIRST
              : is_last     ? LAST
                            : 0,
              12 + 1000 + (fragment == 0 ? 12 : 0));
    kith_wr_u32(&packet, ++s->tsn);
    kith_wr_u16(&packet, stream);
    kith_wr_u16(&packet, 0);
    kith_wr_u32(&packet, KITH_PPID_DCEP);
    if (fragment == 0) {
        kith_wr_u32(&packet, 0x03000100);
        kith_wr_u32(&packet, 0);
        kith_wr_u16(&packet, LABEL);
        kith_wr_u16(&packet, 0);
    }
    put_bytes(1000);
    send_packet(s);
}

/* 120 of them: 7.8 MB. */
START_TEST(labels_of_channels_are_held_by_the_limit)
{
    static scene s;
    begin_scene(&s);
    attack(&s, 120 * FRAGMENTS, open_with_long_labels);
    ck_assert_uint_gt(s.towards_attacker->channels.count, 3);
    ck_assert_uint_lt(s.towards_attacker->channels.count, 20);
    end_scene(&s);
}
END_TEST

/* ---- turns ---- */

/* Each is answered, and there is always another answer to send. */
START_TEST(an_honest_peer_has_its_turn_beside_a_flood)
{
    static void (*const floods[])(scene * s, unsigned number) = {say_short_messages,
                                                                 say_long_messages, begin_messages};
    for (size_t i = 0; i < sizeof floods / sizeof floods[0]; i++) {
        static scene s;
        begin_scene(&s);
        s.victim->packets_per_ms = 4;
        attack(&s, 2000, floods[i]);
        s.victim->packets_per_ms = 0;
        end_scene(&s);
    }
}
END_TEST

/* ---- walks ---- */

static void withhold_a_message(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    for (int i = 0; i < SHORT_ONES; i++)
        put_data(WHOLE, ++s->tsn, s->stream, ++s->ssn, 1);
    send_packet(s);
}

/* From both ends to the middle, where it is furthest from either. */
static void withhold_from_both_ends(scene *s, unsigned number)
{
    begin_packet(s);
    for (unsigned i = 0; i < SHORT_ONES; i++) {
        unsigned n = number * SHORT_ONES + i;
        uint16_t ssn = (uint16_t)(n % 2 == 0 ? 10 + n / 2 : 20000 - n / 2);
        put_data(WHOLE, ++s->tsn, s->stream, ssn, 1);
    }
    send_packet(s);
}

static void withhold_a_tsn(scene *s, unsigned number)
{
    if (number == 0)
        s->tsn++;
    begin_packet(s);
    for (int i = 0; i < SHORT_ONES; i++)
        put_data(WHOLE, ++s->tsn, s->stream, ++s->ssn, 1);
    send_packet(s);
}

/* Fragments of one message, every other one. */
static void withhold_fragments(scene *s, unsigned number)
{
    begin_packet(s);
    for (unsigned i = 0; i < SHORT_ONES; i++) {
        unsigned n = (number * SHORT_ONES + i) % 4000;
        uint32_t tsn = s->tsn + 2 + (n % 2 == 0 ? n / 2 * 2 : 4000 - n / 2 * 2);
        put_data(UNORDERED, tsn, s->stream, 0, 1);
    }
    send_packet(s);
}

START_TEST(what_waits_for_a_withheld_chunk_costs_no_walk)
{
    check(2000, false, withhold_a_message);
    check(200, false, withhold_from_both_ends);
    check(2000, false, withhold_a_tsn);
    check(200, false, withhold_fragments);
}
END_TEST

/* ---- acknowledgements ---- */

static void put_sack_chunk(uint32_t cumulative, uint16_t (*blocks)[2], uint16_t count)
{
    put_chunk(SACK, 0, 12 + 4 * (size_t)count);
    kith_wr_u32(&packet, cumulative);
    kith_wr_u32(&packet, 1000000);
    kith_wr_u16(&packet, count);
    kith_wr_u16(&packet, 0);
    for (uint16_t i = 0; i < count; i++) {
        kith_wr_u16(&packet, blocks[i][0]);
        kith_wr_u16(&packet, blocks[i][1]);
    }
}

static void put_sack(scene *s, uint32_t cumulative, uint16_t (*blocks)[2], uint16_t count)
{
    begin_packet(s);
    put_sack_chunk(cumulative, blocks, count);
    send_packet(s);
}

/* Something of the victim's is in flight and some of it never acknowledged. */
static uint32_t make_victim_send(scene *s)
{
    uint32_t acknowledged = s->victims_tsn;
    static const char bytes[200000];
    OK(kith_dc_send(s->victims_dc, bytes, sizeof bytes));
    run_ms(s, 10);
    ck_assert_uint_gt(s->victims_tsn - acknowledged, 5);
    return acknowledged;
}

START_TEST(gap_blocks_of_what_was_not_sent_cost_no_walk)
{
    static scene s;
    begin_scene(&s);
    uint32_t acknowledged = make_victim_send(&s);
    put_sack(&s, acknowledged, (uint16_t[][2]){{2, 65535}}, 1);
    end_scene(&s);
}
END_TEST

START_TEST(gap_blocks_out_of_order_cost_no_walk)
{
    static scene s;
    begin_scene(&s);
    uint32_t acknowledged = make_victim_send(&s);
    uint16_t blocks[280][2];
    for (int i = 0; i < 280; i++)
        blocks[i][0] = blocks[i][1] = (uint16_t)(i % 2 == 0 ? 5 : 3);
    put_sack(&s, acknowledged, blocks, 280);
    ck_assert_uint_gt(s.most_steps, 0);
    ck_assert_uint_le(s.most_steps, 50);
    /* What they acknowledge in order counts. */
    ck_assert_int_eq(kith_sctp_get_state(sctp_of(s.towards_attacker)), KITH_SCTP_CONNECTED);
    end_scene(&s);
}
END_TEST

/* Acknowledges what comes until much is in flight, and gives the last TSN that it acknowledged. */
static uint32_t fill_flight(scene *s, uint32_t chunks)
{
    static const char bytes[200000];
    uint32_t acknowledged = make_victim_send(s);
    for (int round = 0; s->victims_tsn - acknowledged < chunks; round++) {
        ck_assert_int_lt(round, 50);
        /* Slow start counts SACKs (RFC 9260 section 7.2.1). */
        for (uint32_t last = s->victims_tsn; acknowledged != last;)
            put_sack(s, ++acknowledged, NULL, 0);
        while (kith_dc_buffered_amount(s->victims_dc) < 5 * sizeof bytes)
            OK(kith_dc_send(s->victims_dc, bytes, sizeof bytes));
        run_ms(s, 10);
    }
    return acknowledged;
}

/* Two SACKs in a packet are heard at most, and the blocks of each, sorted as they are, are found in
 * one walk (RFC 9260 section 3.3.4): every other chunk, or the last one alone. */
START_TEST(gap_blocks_cost_one_walk_over_what_is_in_flight)
{
    static scene s;
    begin_scene(&s);
    uint32_t acknowledged = fill_flight(&s, 400);
    uint32_t in_flight = s.victims_tsn - acknowledged;
    s.heap_before = s.heap_most = heap_bytes(); /* its own messages are not the attacker's */
    uint16_t last = (uint16_t)in_flight, blocks[250][2];
    for (uint16_t i = 0; i < 250; i++)
        blocks[i][0] = blocks[i][1] = (uint16_t)(2 + (in_flight - 2) * i / 249);
    s.most_steps = 0;
    begin_packet(&s);
    put_sack_chunk(acknowledged, blocks, 250);
    put_sack_chunk(acknowledged, (uint16_t[][2]){{last, last}}, 1);
    send_packet(&s);
    ck_assert_uint_gt(s.most_steps, 2 * in_flight - 10);
    /* A block of a chunk that the one before it ended at looks at that chunk again. */
    ck_assert_uint_le(s.most_steps, 2 * in_flight + 250);
    s.most_steps = 0;
    ck_assert_int_eq(kith_sctp_get_state(sctp_of(s.towards_attacker)), KITH_SCTP_CONNECTED);
    end_scene(&s);
}
END_TEST

/* ---- stream resets ---- */

static void put_reset(scene *s, uint32_t tsn, unsigned streams)
{
    begin_packet(s);
    put_chunk(RECONFIG, 0, 16 + 2 * (size_t)streams);
    kith_wr_u16(&packet, 13);
    kith_wr_u16(&packet, (uint16_t)(16 + 2 * streams));
    kith_wr_u32(&packet, s->request++);
    kith_wr_u32(&packet, 0);
    kith_wr_u32(&packet, tsn);
    for (unsigned i = 0; i < streams; i++)
        kith_wr_u16(&packet, (uint16_t)(2 + i));
    put_bytes(0);
    send_packet(s);
}

static void reset_later(scene *s, unsigned number)
{
    (void)number;
    put_reset(s, s->tsn + 100000, 200);
}

static void reset_now(scene *s, unsigned number)
{
    (void)number;
    put_reset(s, s->tsn, 200);
}

/* Resets that are performed are told, and nobody asks. */
static void fill_then_reset(scene *s, unsigned number)
{
    if (number < 1000)
        say_long_messages(s, number);
    else
        reset_now(s, number);
}

START_TEST(stream_resets_are_kept_within_bounds)
{
    check(10000, false, reset_later);
    check(10000, true, reset_now);
    check(10000, true, fill_then_reset);
}
END_TEST

/* ---- answers ---- */

static uint64_t answers_to(unsigned heartbeats)
{
    static scene s;
    begin_scene(&s);
    uint64_t before = counts_of(&s).packets;
    begin_packet(&s);
    for (unsigned i = 0; i < heartbeats; i++) {
        put_chunk(HEARTBEAT, 0, 4);
        kith_wr_u16(&packet, 1);
        kith_wr_u16(&packet, 4);
    }
    send_packet(&s);
    run_ms(&s, 10);
    uint64_t answers = counts_of(&s).packets - before;
    end_scene(&s);
    return answers;
}

START_TEST(a_packet_of_a_hundred_heartbeats_is_not_answered)
{
    ck_assert_uint_eq(answers_to(1), 1);
    ck_assert_uint_eq(answers_to(100), 0);
}
END_TEST

UNIT_MAIN("sim: hostile", messages_that_nobody_reads_are_held_by_the_limit,
          an_endless_message_in_fragments_of_a_byte_is_ended_at_the_limit,
          a_message_above_the_limit_ends_the_association_while_it_comes,
          messages_that_are_only_begun_are_held_by_the_limit,
          labels_of_channels_are_held_by_the_limit, an_honest_peer_has_its_turn_beside_a_flood,
          what_waits_for_a_withheld_chunk_costs_no_walk,
          gap_blocks_of_what_was_not_sent_cost_no_walk, gap_blocks_out_of_order_cost_no_walk,
          gap_blocks_cost_one_walk_over_what_is_in_flight, stream_resets_are_kept_within_bounds,
          a_packet_of_a_hundred_heartbeats_is_not_answered)

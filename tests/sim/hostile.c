#include "hostile.h"

#include <string.h>

#include "base/reader.h"
#include "heap.h"

#define RECEIVE_BUFFER ((size_t)1 << 20)
#define MEMORY_LIMIT   (2 * RECEIVE_BUFFER + ((size_t)1 << 20))
#define LINK_DELAY     KITH_MS(5)
/* By which an attack may hold up others: the attacker's turn with a driver that sends four packets
 * in a millisecond, and the rest of the millisecond. */
#define MOST_DELAY KITH_MS(6)
/* Entries of sorted lists that one packet may make the receiver walk over. */
#define MOST_STEPS 512

static scene *current;

/* ---- listening in ---- */

/* The linker puts it in front of kith_sctp_input. */
void __real_kith_sctp_input(kith_sctp *sctp, kith_time now, const uint8_t *data, size_t len);
void __wrap_kith_sctp_input(kith_sctp *sctp, kith_time now, const uint8_t *data, size_t len);

static void note_sack(scene *s, kith_reader sack)
{
    s->acknowledged = kith_rd_u32(&sack);
    kith_rd_skip(&sack, 4);
    s->block_count = kith_rd_u16(&sack);
    kith_rd_skip(&sack, 2);
    ck_assert_uint_le(s->block_count, 300);
    for (uint16_t i = 0; i < s->block_count; i++) {
        s->blocks[i][0] = kith_rd_u16(&sack);
        s->blocks[i][1] = kith_rd_u16(&sack);
    }
    ck_assert(!sack.bad);
}

static void note_chunks(scene *s, const uint8_t *data, size_t len, bool from_victim)
{
    kith_reader r = kith_rd(data, len);
    kith_rd_skip(&r, 12);
    while (kith_rd_left(&r) >= 4) {
        uint8_t type = kith_rd_u8(&r);
        kith_rd_skip(&r, 1);
        uint16_t chunk_len = kith_rd_u16(&r);
        kith_reader body = r;
        if (from_victim && type == SACK)
            note_sack(s, r);
        s->errors += from_victim && type == ERROR;
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

kith_sctp *sctp_of(kith_pc *pc)
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
    if (ev->pc == s->towards_attacker) {
        s->attackers_messages++;
        s->last_len = ev->message.len;
    }
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

void run_ms(scene *s, int ms)
{
    world_run(s->world, KITH_MS(ms), NULL, NULL);
}

void begin_scene(scene *s)
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

kith_hub_counts counts_of(const scene *s)
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

void end_scene(scene *s)
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

void begin_packet(const scene *s)
{
    packet = kith_wr(packet_bytes, sizeof packet_bytes);
    kith_wr_u16(&packet, 5000);
    kith_wr_u16(&packet, 5000);
    kith_wr_u32(&packet, s->tag);
    kith_wr_u32(&packet, 0);
}

void put_chunk(uint8_t type, uint8_t flags, size_t body)
{
    kith_wr_u8(&packet, type);
    kith_wr_u8(&packet, flags);
    kith_wr_u16(&packet, (uint16_t)(4 + body));
}

void put_u16(uint16_t value)
{
    kith_wr_u16(&packet, value);
}

void put_u32(uint32_t value)
{
    kith_wr_u32(&packet, value);
}

void put_bytes(size_t count)
{
    for (size_t i = 0; i < count; i++)
        kith_wr_u8(&packet, 'x');
    while (packet.len % 4 != 0)
        kith_wr_u8(&packet, 0);
}

void put_data(uint8_t flags, uint32_t tsn, uint16_t stream, uint16_t ssn, size_t len)
{
    put_chunk(DATA, flags, 12 + len);
    kith_wr_u32(&packet, tsn);
    kith_wr_u16(&packet, stream);
    kith_wr_u16(&packet, ssn);
    kith_wr_u32(&packet, KITH_PPID_BINARY);
    put_bytes(len);
}

/* Apart, so that its cost can be told (hostile_cost.sh). */
__attribute__((noinline)) static void cost_input(scene *s, const kith_packet_info *info,
                                                 const uint8_t *datagram, size_t len)
{
    kith_endpoint_handle_packet(s->victim->endpoint, virtual_now(), info, datagram, len);
}

void send_datagram(scene *s, const uint8_t *datagram, size_t len)
{
    kith_packet_info info = {.size = sizeof info,
                             .path = {.local = s->victim->address, .remote = s->attacker->address}};
    if (s->is_measured)
        cost_input(s, &info, datagram, len);
    else
        kith_endpoint_handle_packet(s->victim->endpoint, virtual_now(), &info, datagram, len);
    look(s);
}

void send_packet(scene *s)
{
    ck_assert(!packet.bad);
    uint8_t datagram[1400];
    size_t len = kith_dtls_send(kith_pc_transport(s->attackers)->dtls, packet.data, packet.len,
                                datagram, sizeof datagram);
    ck_assert_uint_gt(len, 0);
    send_datagram(s, datagram, len);
}

/* `count` packets, 20 in a millisecond, while the honest two talk. */
void attack(scene *s, unsigned count, void (*one)(scene *s, unsigned number))
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

void check(unsigned count, bool is_asleep, void (*one)(scene *s, unsigned number))
{
    static scene s;
    begin_scene(&s);
    s.victim->slow = is_asleep;
    attack(&s, count, one);
    end_scene(&s);
}

/* Order of locks: usrsctp's own, then the table's, then a port's. Neither of ours is held across a
 * call to usrsctp or to `wake`. A port is reached from outside only through the table, with the
 * table's lock held until the port's is; detach takes it out of the table, and then waits until
 * nobody is inside. */
#include "sctp/usrsctp/hub.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <usrsctp.h>

#include "base/error.h"
#include "base/list.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/reader.h"
#include "base/ring.h"
#include "base/writer.h"
#include "crypto/random.h"
#include "sctp/crc32c.h"
#include "sctp/usrsctp/memory.h"

/* Packets that wait for a driver that does not take them; then they are lost, as in any network. */
#define OUTPUT_LIMIT ((size_t)4 << 20)

/* The wheel's position where there is none, and the most that it is turned at once, in ticks: two
 * weeks. */
#define UNSET         INT64_MIN
#define LONGEST_SLEEP 120000000

#define COMMON_HEADER 12
#define CHUNK_HEADER  4
#define CHUNK_DATA    0
#define CHUNK_SACK    3
#define CHUNK_I_DATA  64

/* A SACK with gap ack blocks has usrsctp look through all that is in flight, and so has the next
 * one without. Each packet pays for so many chunks of it, and saves for so many walks at most. A
 * SACK that is not yet paid for waits for the next one, which says what it says and more, or for a
 * tick. Of what is said of one flight so many are heard at least, evenly spread. */
#define PAID_BY_PACKET 128
#define MOST_SAVED     4

struct kith_hub_port {
    kith_map_node node;
    uint64_t id;
    kith_hub_config config;
    uint16_t inner_port;
    atomic_bool readable;
    /* in the list of the thread that will wake it */
    kith_hub_port *next_woken;

    /* for what follows */
    pthread_mutex_t lock;
    pthread_cond_t woken;
    /* threads that have it in their list */
    unsigned wakers;
    bool wake_due;
    /* packets, each behind the kith_time at which it was made */
    kith_ring output;
    /* that the packet which left last had lain there */
    kith_time waited;
    kith_hub_counts counts;
    uint32_t highest_tsn;
    bool has_tsn;
    size_t unsent;

    /* the owner's alone: what packets have paid for SACKs, in chunks, and a packet of the SACK that
     * waits */
    uint64_t paid;
    bool had_blocks; /* the last one that was handed on */
    uint8_t *sack;
    size_t sack_len;
    kith_time sack_due;
};

static struct {
    pthread_once_t once;
    pthread_mutex_t table_lock;
    kith_map table;
    pthread_mutex_t wheel_lock;
    atomic_llong slot; /* the wheel's position, in ticks */
} hub = {.once = PTHREAD_ONCE_INIT,
         .table_lock = PTHREAD_MUTEX_INITIALIZER,
         .wheel_lock = PTHREAD_MUTEX_INITIALIZER,
         .slot = UNSET};

/* Of the calling thread: whose call it is, its time, and who must be woken when it leaves. */
static _Thread_local kith_hub_port *current, *woken;
static _Thread_local kith_time current_time;
static _Thread_local _Alignas(max_align_t) uint8_t scratch[KITH_HUB_SCRATCH];

uint8_t *kith_hub_scratch(void)
{
    return scratch;
}

/* ---- what usrsctp calls ---- */

/* Its clock. The offset keeps it off zero, which usrsctp takes for "never". */
#define CLOCK_OFFSET KITH_SECONDS(1000)

int kith_sctp_clock(struct timeval *restrict tv, void *restrict zone);
int kith_sctp_clock(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    kith_time t = current_time + CLOCK_OFFSET;
    tv->tv_sec = (time_t)(t / KITH_SECONDS(1));
    tv->tv_usec = (suseconds_t)(t % KITH_SECONDS(1));
    return 0;
}

void kith_sctp_random(void *out, size_t len);
void kith_sctp_random(void *out, size_t len)
{
    kith_random_bytes(out, len);
}

void kith_sctp_searched(uint32_t steps);
void kith_sctp_searched(uint32_t steps)
{
    if (current)
        current->counts.list_steps += steps;
}

/* Locks and returns the port of that id, or NULL. */
static kith_hub_port *find_and_lock(const void *address)
{
    uint64_t id = (uint64_t)(uintptr_t)address;
    if (current && current->id == id) {
        pthread_mutex_lock(&current->lock);
        return current;
    }
    pthread_mutex_lock(&hub.table_lock);
    kith_map_node *node = kith_map_find(&hub.table, kith_span_of(&id, sizeof id));
    kith_hub_port *port = node ? KITH_OWNER(node, kith_hub_port, node) : NULL;
    if (port)
        pthread_mutex_lock(&port->lock);
    pthread_mutex_unlock(&hub.table_lock);
    return port;
}

/* Its owner is not the one who is calling, and must get to know. The port's lock is held. */
static void note_wake(kith_hub_port *port)
{
    if (port == current || port->wake_due || !port->config.wake)
        return;
    port->wake_due = true;
    port->wakers++;
    port->next_woken = woken;
    woken = port;
}

/* New user bytes leave with this packet, or old ones again: walks over its DATA chunks (RFC 9260
 * section 3.3.1). */
static void note_data(kith_hub_port *port, const uint8_t *data, size_t len)
{
    kith_reader packet = kith_rd(data, len);
    kith_rd_skip(&packet, COMMON_HEADER);
    while (kith_rd_left(&packet) >= 16) {
        uint8_t type = kith_rd_u8(&packet);
        kith_rd_skip(&packet, 1);
        uint16_t chunk_len = kith_rd_u16(&packet);
        size_t header = type == CHUNK_DATA ? 16 : 20;
        if ((type == CHUNK_DATA || type == CHUNK_I_DATA) && chunk_len >= header) {
            kith_reader body = packet;
            uint32_t tsn = kith_rd_u32(&body);
            size_t bytes = chunk_len - header;
            if (!port->has_tsn || (int32_t)(tsn - port->highest_tsn) > 0) {
                port->highest_tsn = tsn;
                port->has_tsn = true;
                port->unsent -= bytes < port->unsent ? bytes : port->unsent;
            } else {
                port->counts.retransmits++;
            }
        }
        kith_rd_skip(&packet, ((chunk_len + 3u) & ~3u) - 4u);
    }
}

/* Gives the packet its port on the wire and its checksum (little-endian, RFC 9260 appendix A). */
static void finish_packet(const kith_hub_port *port, uint8_t *data, size_t len)
{
    kith_writer ports = kith_wr(data, 2), checksum = kith_wr(data + 8, 4);
    kith_wr_u16(&ports, port->config.local_port);
    kith_wr_u32(&checksum, 0);
    checksum.len = 0;
    kith_wr_u32(&checksum, __builtin_bswap32(kith_crc32c(data, len)));
}

static bool push_output(kith_hub_port *port, const uint8_t *data, size_t len)
{
    uint8_t *record = kith_ring_append(&port->output, sizeof current_time + len);
    if (!record)
        return false;
    memcpy(record, &current_time, sizeof current_time);
    memcpy(record + sizeof current_time, data, len);
    return true;
}

/* The oldest packet, and when it was made. */
static kith_span first_output(const kith_hub_port *port, kith_time *made)
{
    kith_span record = kith_ring_peek(&port->output);
    if (!record.data)
        return record;
    memcpy(made, record.data, sizeof *made);
    return kith_span_of(record.data + sizeof *made, record.len - sizeof *made);
}

static int conn_output(void *address, void *data, size_t len, uint8_t tos, uint8_t set_df)
{
    (void)tos;
    (void)set_df;
    if (!data || len < COMMON_HEADER)
        return 0;
    kith_hub_port *port = find_and_lock(address);
    if (!port)
        return 0;
    finish_packet(port, data, len);
    note_data(port, data, len);
    if (push_output(port, data, len))
        port->counts.packets++;
    else
        port->counts.dropped++;
    note_wake(port);
    pthread_mutex_unlock(&port->lock);
    return 0;
}

/* Packets leave in the order in which they were made, and one waits about as long as the next. */
static kith_time left_at(const kith_hub_port *port, kith_time made)
{
    kith_time first;
    bool is_here = first_output(port, &first).data && first <= made;
    return is_here ? current_time : made + port->waited;
}

uint32_t kith_sctp_not_due(void *address, const struct timeval *made, uint32_t rto);
uint32_t kith_sctp_not_due(void *address, const struct timeval *made, uint32_t rto)
{
    kith_time made_at = made->tv_sec * KITH_SECONDS(1) + made->tv_usec - CLOCK_OFFSET;
    kith_hub_port *port = find_and_lock(address);
    if (!port)
        return 0;
    kith_time left = left_at(port, made_at);
    pthread_mutex_unlock(&port->lock);
    kith_time due = left + KITH_MS((kith_time)rto);
    /* What left at once is due when its timer says so, which counts in ticks. */
    if (left == made_at || due <= current_time)
        return 0;
    return (uint32_t)((due - current_time + 999) / KITH_MS(1));
}

void kith_hub_upcall(struct socket *socket, void *address, int flags)
{
    (void)socket;
    (void)flags;
    kith_hub_port *port = find_and_lock(address);
    if (!port)
        return;
    atomic_store(&port->readable, true);
    note_wake(port);
    pthread_mutex_unlock(&port->lock);
}

/* ---- set-up ---- */

static void init_hub(void)
{
    uint64_t seed[2];
    kith_random_bytes(seed, sizeof seed);
    kith_map_init(&hub.table, seed);
    kith_crc32c_init();
    usrsctp_init_nothreads(0, conn_output, NULL);
    /* Each endpoint has one association, and looks for it among its own. */
    usrsctp_tunable_set_sctp_pcbtblsize(1);
    /* DTLS has authenticated what comes in; what goes out gets its checksum above. */
    usrsctp_enable_crc32c_offload();
    usrsctp_sysctl_set_sctp_blackhole(2);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_asconf_enable(0);
    usrsctp_sysctl_set_sctp_auth_enable(0);
    usrsctp_sysctl_set_sctp_nrsack_enable(0);
    usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    usrsctp_sysctl_set_sctp_pr_enable(1);
    usrsctp_sysctl_set_sctp_reconfig_enable(1);
    usrsctp_sysctl_set_sctp_cmt_on_off(0);
    /* A burst limit shrinks the congestion window here (158 against 787 Mbit/s). */
    usrsctp_sysctl_set_sctp_max_burst_default(0);
    usrsctp_sysctl_set_sctp_initial_cwnd(10); /* RFC 6928 */
    usrsctp_sysctl_set_sctp_max_chunks_on_queue(4096);
    /* What was acknowledged is kept. */
    usrsctp_sysctl_set_sctp_do_drain(0);
    /* Chunks that are kept instead of freed. */
    usrsctp_sysctl_set_sctp_asoc_free_resc_limit(64);
    usrsctp_sysctl_set_sctp_system_free_resc_limit(4096);
}

kith_err kith_hub_attach(kith_hub_port **out, const kith_hub_config *config)
{
    pthread_once(&hub.once, init_hub);
    kith_hub_port *port = kith_alloc_zero(1, sizeof *port);
    if (!port)
        return kith_fail_memory();
    port->config = *config;
    port->paid = UINT32_MAX; /* the first ones are free */
    kith_ring_init(&port->output, OUTPUT_LIMIT);
    pthread_mutex_init(&port->lock, NULL);
    pthread_cond_init(&port->woken, NULL);
    port->inner_port = (uint16_t)(1 + kith_random_below(65535));

    kith_span key = kith_span_of(&port->id, sizeof port->id);
    pthread_mutex_lock(&hub.table_lock);
    if (hub.table.count == 0)
        atomic_store(&hub.slot, UNSET);
    do {
        port->id = (uintptr_t)kith_random_u64();
    } while (port->id == 0 || kith_map_find(&hub.table, key));
    kith_err err = kith_map_add(&hub.table, &port->node, key);
    pthread_mutex_unlock(&hub.table_lock);
    if (err != KITH_OK) {
        pthread_cond_destroy(&port->woken);
        pthread_mutex_destroy(&port->lock);
        kith_free(port);
        return err;
    }
    usrsctp_register_address(kith_hub_address(port));
    *out = port;
    return KITH_OK;
}

void kith_hub_detach(kith_hub_port *port)
{
    assert(current != port);
    usrsctp_deregister_address(kith_hub_address(port));
    pthread_mutex_lock(&hub.table_lock);
    kith_map_remove(&hub.table, &port->node);
    pthread_mutex_unlock(&hub.table_lock);
    pthread_mutex_lock(&port->lock);
    while (port->wakers > 0)
        pthread_cond_wait(&port->woken, &port->lock);
    pthread_mutex_unlock(&port->lock);
    kith_ring_deinit(&port->output);
    pthread_cond_destroy(&port->woken);
    pthread_mutex_destroy(&port->lock);
    kith_free(port->sack);
    kith_free(port);
}

void *kith_hub_address(const kith_hub_port *port)
{
    return (void *)(uintptr_t)port->id;
}

uint16_t kith_hub_inner_port(const kith_hub_port *port)
{
    return port->inner_port;
}

/* ---- the wheel ---- */

/* Ticks stand at multiples of the tick in absolute time, whoever turns the wheel; and where no
 * association was, it begins anew: so a simulation that starts again at zero runs as it did. */
static void turn_wheel(kith_time now)
{
    long long slot = now / KITH_HUB_TICK, last = atomic_load(&hub.slot);
    if (slot <= last)
        return; /* or another thread's clock was read a little later than ours */
    /* Somebody else may be turning it already, and ours would be done with it. After a long sleep
     * we wait for him, or the first timer that we start would seem to be long due. */
    if (last == UNSET || slot - last >= 10)
        pthread_mutex_lock(&hub.wheel_lock);
    else if (pthread_mutex_trylock(&hub.wheel_lock) != 0)
        return;
    last = atomic_load(&hub.slot);
    if (slot > last)
        atomic_store(&hub.slot, slot);
    if (slot > last && last != UNSET) {
        long long elapsed = slot - last < LONGEST_SLEEP ? slot - last : LONGEST_SLEEP;
        usrsctp_handle_timers((uint32_t)elapsed * 10);
    }
    pthread_mutex_unlock(&hub.wheel_lock);
}

void kith_hub_enter_untimed(kith_hub_port *port)
{
    assert(!current && !woken);
    current = port;
    (void)kith_sctp_memory_take_shortage();
}

void kith_hub_enter(kith_hub_port *port, kith_time now)
{
    kith_hub_enter_untimed(port);
    current_time = now;
    turn_wheel(now);
}

void kith_hub_leave(void)
{
    assert(current);
    current = NULL;
    while (woken) {
        kith_hub_port *port = woken;
        pthread_mutex_lock(&port->lock);
        woken = port->next_woken;
        port->wake_due = false;
        pthread_mutex_unlock(&port->lock);
        port->config.wake(port->config.wake_user);
        pthread_mutex_lock(&port->lock);
        port->wakers--;
        pthread_cond_broadcast(&port->woken);
        pthread_mutex_unlock(&port->lock);
    }
}

kith_time kith_hub_next_tick(void)
{
    return (atomic_load(&hub.slot) + 1) * KITH_HUB_TICK;
}

#ifdef KITH_SCTP_BUNDLED
/* Of our usrsctp: in milliseconds; -1: none runs. */
int usrsctp_timer_left(struct socket *socket);
#endif

kith_time kith_hub_next_timer(struct socket *socket)
{
#ifdef KITH_SCTP_BUNDLED
    long long slot = atomic_load(&hub.slot); /* first: at worst a turn too early */
    int left = usrsctp_timer_left(socket), tick = KITH_HUB_TICK / KITH_MS(1);
    if (left < 0)
        return KITH_NEVER;
    return (slot + (left > 0 ? (left + tick - 1) / tick : 1)) * KITH_HUB_TICK;
#else
    (void)socket;
    return kith_hub_next_tick();
#endif
}

/* ---- packets ---- */

/* Control chunks that precede the user data of one packet, and of one type: each may cost an answer
 * or a walk over all streams, and nobody sends more (RFC 9260 section 6.10). */
#define MOST_CONTROL     8
#define MOST_OF_THE_TYPE 2

static bool is_plausible(const uint8_t *data, size_t len)
{
    uint8_t types[MOST_CONTROL];
    size_t count = 0;
    kith_reader packet = kith_rd(data, len);
    kith_rd_skip(&packet, COMMON_HEADER);
    while (kith_rd_left(&packet) >= CHUNK_HEADER) {
        uint8_t type = kith_rd_u8(&packet);
        kith_rd_skip(&packet, 1);
        uint16_t chunk_len = kith_rd_u16(&packet);
        if (type == CHUNK_DATA || chunk_len < CHUNK_HEADER)
            break; /* what is wrong here is usrsctp's to say */
        unsigned same = 0;
        for (size_t i = 0; i < count; i++)
            same += types[i] == type;
        if (count == MOST_CONTROL || same == MOST_OF_THE_TYPE)
            return false;
        types[count++] = type;
        kith_rd_skip(&packet, ((chunk_len + 3u) & ~3u) - CHUNK_HEADER);
    }
    return true;
}

static void count_dropped(kith_hub_port *port)
{
    pthread_mutex_lock(&port->lock);
    port->counts.dropped++;
    pthread_mutex_unlock(&port->lock);
}

/* ---- SACKs ---- */

static void forget_sack(kith_hub_port *port)
{
    kith_free(port->sack);
    port->sack = NULL;
}

/* Keeps the chunk in a packet of its own, in place of the one that waited. */
static void keep_sack(kith_hub_port *port, const uint8_t *header, kith_span chunk)
{
    if (!port->sack)
        port->sack_due = kith_hub_next_tick();
    forget_sack(port);
    port->sack_len = COMMON_HEADER + chunk.len;
    port->sack = kith_alloc(port->sack_len);
    if (!port->sack)
        return; /* as if it had been lost */
    memcpy(port->sack, header, COMMON_HEADER);
    memcpy(port->sack + COMMON_HEADER, chunk.data, chunk.len);
}

/* Takes what a walk over so many chunks costs from what was paid, if that is enough. */
static bool pay(kith_hub_port *port, uint64_t chunks)
{
    if (port->paid > MOST_SAVED * chunks)
        port->paid = MOST_SAVED * chunks;
    if (port->paid < chunks)
        return false;
    port->paid -= chunks;
    return true;
}

/* What is looked through lies between the cumulative TSN and the last sent (RFC 9260 3.3.4). */
static bool has_blocks(kith_span chunk)
{
    kith_reader sack = kith_rd(chunk.data, chunk.len);
    kith_rd_skip(&sack, CHUNK_HEADER + 8);
    return kith_rd_u16(&sack) > 0;
}

static bool is_paid(kith_hub_port *port, kith_span chunk)
{
    kith_reader sack = kith_rd(chunk.data, chunk.len);
    kith_rd_skip(&sack, CHUNK_HEADER);
    pthread_mutex_lock(&port->lock);
    int32_t in_flight = (int32_t)(port->highest_tsn - kith_rd_u32(&sack));
    pthread_mutex_unlock(&port->lock);
    bool walks = has_blocks(chunk) || port->had_blocks;
    if (walks && in_flight > 0 && !pay(port, (uint64_t)in_flight))
        return false;
    port->had_blocks = has_blocks(chunk);
    return true;
}

static uint32_t cumulative_tsn(const uint8_t *sack)
{
    kith_reader r = kith_rd(sack + CHUNK_HEADER, 4);
    return kith_rd_u32(&r);
}

/* The network may have turned their order round (RFC 9260 section 6.2.1, D i). */
static bool is_older_than_waiting(const kith_hub_port *port, kith_span chunk)
{
    return port->sack && chunk.len >= CHUNK_HEADER + 4 &&
           port->sack_len >= COMMON_HEADER + CHUNK_HEADER + 4 &&
           (int32_t)(cumulative_tsn(chunk.data) - cumulative_tsn(port->sack + COMMON_HEADER)) < 0;
}

/* Copies the packet without the SACKs that have to wait. */
static size_t copy_packet(kith_hub_port *port, uint8_t *out, const uint8_t *data, size_t len)
{
    size_t copied = COMMON_HEADER;
    port->paid += PAID_BY_PACKET;
    kith_reader packet = kith_rd(data, len);
    memcpy(out, kith_rd_span(&packet, COMMON_HEADER).data, COMMON_HEADER);
    while (kith_rd_left(&packet) >= CHUNK_HEADER) {
        kith_reader at = packet;
        uint8_t type = kith_rd_u8(&at);
        kith_rd_skip(&at, 1);
        size_t chunk_len = (kith_rd_u16(&at) + 3u) & ~3u;
        if (type == CHUNK_DATA || chunk_len < CHUNK_HEADER || chunk_len > kith_rd_left(&packet))
            break;
        kith_span chunk = kith_rd_span(&packet, chunk_len);
        if (type == CHUNK_SACK && !is_paid(port, chunk)) {
            if (!is_older_than_waiting(port, chunk))
                keep_sack(port, data, chunk);
            continue;
        }
        if (type == CHUNK_SACK && !is_older_than_waiting(port, chunk))
            forget_sack(port);
        memcpy(out + copied, chunk.data, chunk.len);
        copied += chunk.len;
    }
    kith_span rest = kith_rd_span(&packet, kith_rd_left(&packet));
    memcpy(out + copied, rest.data, rest.len);
    return copied + rest.len;
}

/* The packet lies in the scratch. */
static void input(kith_hub_port *port, size_t len)
{
    kith_writer w = kith_wr(scratch + 2, 2);
    kith_wr_u16(&w, port->inner_port);
    usrsctp_conninput(kith_hub_address(port), scratch, len, 0);
    kith_sctp_charge(NULL);
}

bool kith_hub_has_sack(const kith_hub_port *port)
{
    return port->sack;
}

void kith_hub_input_sack(kith_hub_port *port)
{
    assert(port == current);
    if (!port->sack || current_time < port->sack_due)
        return;
    size_t len = port->sack_len;
    memcpy(scratch, port->sack, len);
    port->had_blocks = has_blocks(kith_span_of(scratch + COMMON_HEADER, len - COMMON_HEADER));
    forget_sack(port);
    input(port, len);
}

/* ---- in and out ---- */

void kith_hub_input(kith_hub_port *port, const uint8_t *data, size_t len)
{
    assert(port == current);
    kith_reader header = kith_rd(data, len);
    kith_rd_skip(&header, 2);
    uint16_t destination = kith_rd_u16(&header);
    if (len < COMMON_HEADER + CHUNK_HEADER || len > sizeof scratch ||
        destination != port->config.local_port || !is_plausible(data, len)) {
        count_dropped(port);
        return;
    }
    len = copy_packet(port, scratch, data, len);
    if (len > COMMON_HEADER)
        input(port, len);
}

size_t kith_hub_output(kith_hub_port *port, kith_time now, uint8_t *buf, size_t cap)
{
    size_t len = 0;
    kith_time made = now;
    pthread_mutex_lock(&port->lock);
    while (len == 0 && port->output.count > 0) {
        kith_span packet = first_output(port, &made);
        port->waited = now - made;
        if (packet.len <= cap) {
            memcpy(buf, packet.data, packet.len);
            len = packet.len;
        } else {
            port->counts.dropped++;
        }
        kith_ring_pop(&port->output);
    }
    pthread_mutex_unlock(&port->lock);
    return len;
}

void kith_hub_drop_output(kith_hub_port *port)
{
    pthread_mutex_lock(&port->lock);
    kith_ring_clear(&port->output);
    pthread_mutex_unlock(&port->lock);
}

size_t kith_hub_waiting(kith_hub_port *port)
{
    pthread_mutex_lock(&port->lock);
    size_t bytes = port->output.bytes;
    pthread_mutex_unlock(&port->lock);
    return bytes;
}

bool kith_hub_take_readable(kith_hub_port *port)
{
    return atomic_load_explicit(&port->readable, memory_order_relaxed) &&
           atomic_exchange(&port->readable, false);
}

void kith_hub_handing(kith_hub_port *port, size_t bytes)
{
    pthread_mutex_lock(&port->lock);
    port->unsent += bytes;
    pthread_mutex_unlock(&port->lock);
}

void kith_hub_not_handed(kith_hub_port *port, size_t bytes)
{
    pthread_mutex_lock(&port->lock);
    port->unsent -= bytes < port->unsent ? bytes : port->unsent;
    pthread_mutex_unlock(&port->lock);
}

size_t kith_hub_unsent(kith_hub_port *port, size_t inside)
{
    pthread_mutex_lock(&port->lock);
    if (port->unsent > inside)
        port->unsent = inside;
    size_t unsent = port->unsent;
    pthread_mutex_unlock(&port->lock);
    return unsent;
}

void kith_hub_get_counts(kith_hub_port *port, kith_hub_counts *counts)
{
    pthread_mutex_lock(&port->lock);
    *counts = port->counts;
    pthread_mutex_unlock(&port->lock);
}

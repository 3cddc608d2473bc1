/* One question, sent on every interface and waited for. */
#include "io/multicast_probe.h"

#include <string.h>
#include <sys/random.h>

#include "base/memory.h"
#include "io/io.h"
#include "io/mdns_packet.h"
#include "io/sockaddr.h"

#define PATIENCE KITH_MS(500)
#define PORT     5353

/* Packets of one socket in a turn: the whole link may talk to us. */
#define RECEIVED_PER_TURN 32

struct kith_multicast_probe {
    kith_mdns_sockets sockets;
    kith_watch watches[2];
    /* a name that nobody has */
    uint8_t question[128];
    size_t len;
    kith_time until;
    bool is_heard;
};

static void ready(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    kith_multicast_probe *probe = kith_nat_driver_multicast(loop);
    uint8_t packet[KITH_MDNS_RECEIVE_BYTES];
    size_t len;
    uint32_t interface_index;
    (void)events;
    for (int i = 0; i < RECEIVED_PER_TURN; i++) {
        if (!kith_mdns_sockets_receive(&probe->sockets, (int)(watch - probe->watches), packet, &len,
                                       &interface_index))
            return;
        probe->is_heard |= len == probe->len && memcmp(packet, probe->question, len) == 0;
    }
}

static void ask(kith_multicast_probe *probe, const kith_loop *loop)
{
    char name[KITH_DNS_NAME_TEXT];
    kith_writer text = kith_wr(name, sizeof name),
                w = kith_wr(probe->question, sizeof probe->question);
    uint64_t random;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        random = (uint64_t)loop->now;
    kith_wr_print(&text, "kith-%llx.local", (unsigned long long)random);
    kith_wr_u8(&text, 0);
    if (!text.bad && kith_mdns_write_question(&w, name))
        probe->len = w.len;
    kith_mdns_sockets_send(&probe->sockets, kith_span_of(probe->question, probe->len));
    probe->until = loop->now + PATIENCE;
}

kith_multicast_probe *kith_multicast_probe_new(kith_loop *loop)
{
    kith_multicast_probe *probe = kith_alloc_zero(1, sizeof *probe);
    if (!probe)
        return NULL;
    if (!kith_mdns_sockets_open(&probe->sockets, loop->locals, loop->local_count)) {
        kith_free(probe);
        return NULL;
    }
    for (int i = 0; i < 2; i++) {
        probe->watches[i] = (kith_watch){.ready = ready, .fd = probe->sockets.fds[i]};
        if (probe->watches[i].fd >= 0 && kith_wait_watch(loop, &probe->watches[i]) != KITH_OK) {
            kith_multicast_probe_free(probe);
            return NULL;
        }
    }
    ask(probe, loop);
    return probe;
}

void kith_multicast_probe_free(kith_multicast_probe *probe)
{
    if (!probe)
        return;
    kith_mdns_sockets_close(&probe->sockets); /* leaves epoll by that */
    kith_free(probe);
}

/* What comes from another port is no multicast DNS, and is not seen (mdns_socket.c): where a
 * program has the port for itself alone, silence tells nothing. */
static bool has_port(const kith_multicast_probe *probe)
{
    for (int i = 0; i < 2; i++) {
        kith_sockaddr bound;
        kith_address local;
        socklen_t len = sizeof bound;
        if (probe->sockets.fds[i] >= 0 &&
            getsockname(probe->sockets.fds[i], &bound.any, &len) == 0 &&
            kith_sockaddr_to(&local, &bound.any) && local.port == PORT)
            return true;
    }
    return false;
}

bool kith_multicast_probe_result(const kith_multicast_probe *probe, kith_time now,
                                 kith_nat_answer *works)
{
    if (!probe->is_heard && now < probe->until)
        return false;
    *works = probe->is_heard ? KITH_NAT_YES : has_port(probe) ? KITH_NAT_NO : KITH_NAT_UNKNOWN;
    return true;
}

kith_time kith_multicast_probe_deadline(const kith_multicast_probe *probe)
{
    return probe->until;
}

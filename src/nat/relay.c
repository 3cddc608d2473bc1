/* The trial of a TURN server: an allocation is asked for, timed, and released. The client is the
 * one that peers use. */
#include <string.h>

#include "base/memory.h"
#include "crypto/random.h"
#include "nat/nat.h"

/* The client asks for 9.5 s; who waits for a verdict has heard enough by then. */
#define PATIENCE KITH_SECONDS(5)

void kith_nat_target_fail(kith_nat_target *target, int code, const char *text)
{
    kith_free(target->error_text);
    target->error_text = kith_strdup(text);
    target->server->error_code = code;
    target->server->error_text = target->error_text ? target->error_text : "";
}

void kith_nat_relay_start(kith_nat_target *target, const kith_address *local)
{
    const kith_turn_config config = {.transaction_tag = target->tag = kith_random_u32(),
                                     .server = target->server->address,
                                     .username = target->username,
                                     .credential = target->credential};
    target->is_tried = true;
    if (kith_turn_new(&target->turn, &config) != KITH_OK) {
        kith_nat_target_fail(target, KITH_TURN_UNREACHABLE, "out of memory");
        return;
    }
    kith_nat_socket_want(&target->socket, local);
}

void kith_nat_relay_free(kith_nat_target *target)
{
    kith_turn_free(target->turn);
    target->turn = NULL;
    kith_nat_socket_drop(&target->socket);
}

static void fail(kith_nat_target *target, int code, const char *text)
{
    if (target->server->allocates == KITH_NAT_UNKNOWN) {
        target->server->allocates = KITH_NAT_NO;
        kith_nat_target_fail(target, code, text);
    }
}

static void take_event(kith_nat_target *target, kith_time now, const kith_turn_event *ev)
{
    kith_nat_server *server = target->server;
    switch (ev->type) {
    case KITH_TURN_EV_ALLOCATED:
        server->allocates = KITH_NAT_YES;
        server->allocation_time = now - target->began_at;
        server->relayed_count = ev->relayed_count;
        for (size_t i = 0; i < ev->relayed_count; i++)
            server->relayed[i] = ev->relayed[i];
        kith_turn_release(target->turn);
        break;
    case KITH_TURN_EV_FAILED:
        fail(target, ev->error_code, ev->error_text);
        break;
    case KITH_TURN_EV_OTHER_PORT:
        fail(target, 437, "the server has an allocation of somebody else's from this address");
        break;
    case KITH_TURN_EV_LOST:
    case KITH_TURN_EV_REFUSED:
    case KITH_TURN_EV_ICMP:
        break;
    }
}

void kith_nat_relay_advance(kith_nat_target *target, kith_time now)
{
    if (!target->turn)
        return;
    if (target->socket.state == KITH_NAT_SOCKET_FAILED) {
        fail(target, KITH_TURN_UNREACHABLE, "no socket could be opened");
        kith_nat_relay_free(target);
        return;
    }
    if (target->socket.state != KITH_NAT_SOCKET_OPEN)
        return;
    if (target->ends_at == 0) {
        target->began_at = now;
        target->ends_at = now + PATIENCE;
    }
    if (kith_turn_deadline(target->turn) <= now)
        kith_turn_tick(target->turn, now);
    for (kith_turn_event ev; kith_turn_event_next(target->turn, &ev);)
        take_event(target, now, &ev);
    if (now >= target->ends_at)
        fail(target, KITH_TURN_UNREACHABLE, "the server does not answer");
    if (kith_turn_is_over(target->turn) || target->server->allocates == KITH_NAT_NO ||
        now >= target->ends_at)
        kith_nat_relay_free(target);
}

void kith_nat_relay_input(kith_nat_target *target, kith_time now, const kith_stun *m)
{
    kith_turn_data data;
    if (target->turn)
        (void)kith_turn_input(target->turn, now, m, &data);
}

size_t kith_nat_relay_output(kith_nat_target *target, kith_time now, kith_packet_info *info,
                             kith_writer *w)
{
    if (!target->turn || target->socket.state != KITH_NAT_SOCKET_OPEN)
        return 0;
    size_t len = kith_turn_output(target->turn, now, w->data, w->cap);
    info->path = (kith_path){.local = target->socket.local,
                             .remote = *kith_turn_server(target->turn),
                             .protocol = KITH_UDP};
    if (target->server->allocates == KITH_NAT_YES && kith_turn_is_over(target->turn))
        kith_nat_relay_free(target);
    return len;
}

kith_time kith_nat_relay_deadline(const kith_nat_target *target)
{
    if (!target->turn || target->socket.state != KITH_NAT_SOCKET_OPEN)
        return KITH_NEVER;
    kith_time at = kith_turn_deadline(target->turn);
    return at < target->ends_at ? at : target->ends_at;
}

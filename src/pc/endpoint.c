/* The endpoint: owns the peer connections of one thread and is the only thing a driver talks to. It
 * knows who is ready, who waits until when, and whose a packet is (route.c). What a packet means is
 * pump.c's. */
#include "pc/endpoint.h"

#include <assert.h>
#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "pc/pc.h"
#include "pc/pump.h"
#include "pc/relays.h"
#include "pc/streams.h"

/* Packets that one peer may send in a row before the next ready one has its turn: enough for a
 * batch of the driver's (UDP_SEGMENT), few enough that a thousand have theirs within the time that
 * a congestion window takes to grow. */
#define MAX_BURST 16
/* 1 January 2026, for drivers that know no wall time. */
#define DEFAULT_UNIX_SECONDS 1767225600LL

kith_err kith_endpoint_new(kith_endpoint **out, const kith_endpoint_config *cfg)
{
    kith_endpoint_config config = KITH_ENDPOINT_CONFIG_INIT;
    kith_err err = KITH_OK;
    if (cfg)
        err = kith_config_read(&config, sizeof config, cfg, "KITH_ENDPOINT_CONFIG_INIT");
    if (err != KITH_OK)
        return err;
    kith_tls_context *tls = NULL;
    if (config.tls_roots)
        err = kith_tls_client_context(&tls, config.tls_roots);
    if (err != KITH_OK)
        return err;
    kith_endpoint *ep = kith_alloc_zero(1, sizeof *ep);
    if (!ep) {
        kith_tls_context_free(tls);
        return kith_fail_memory();
    }
    ep->tls = tls;
    ep->ntp_time_at_zero = (uint64_t)(DEFAULT_UNIX_SECONDS + KITH_NTP_TO_UNIX_SECONDS) * 1000000;
    if (config.ntp_time_at_zero != 0)
        ep->ntp_time_at_zero = config.ntp_time_at_zero;
    ep->wake = config.wake;
    ep->user = config.user;
    ep->clock = config.clock;
    kith_list_init(&ep->pcs);
    kith_list_init(&ep->ready);
    kith_list_init(&ep->with_events);
    kith_list_init(&ep->locals);
    kith_list_init(&ep->requests);
    kith_heap_init(&ep->deadlines);
    uint64_t seed[2];
    kith_random_bytes(seed, sizeof seed);
    kith_map_init(&ep->by_tag, seed);
    kith_map_init(&ep->by_path, seed);
    kith_map_init(&ep->pending_requests, seed);
    kith_map_init(&ep->streams, seed);
    kith_list_init(&ep->nameless);
    *out = ep;
    return KITH_OK;
}

static void free_pending_request(kith_pending_request *pending)
{
    kith_free(pending->hostname);
    kith_free(pending->url);
    kith_free(pending);
}

void kith_endpoint_close(kith_endpoint *ep)
{
    KITH_LIST_EACH(&ep->pcs, node)
        kith_pc_close(KITH_OWNER(node, kith_pc, in_endpoint));
}

void kith_endpoint_free(kith_endpoint *ep)
{
    if (!ep)
        return;
    for (kith_list_node *node; (node = kith_list_first(&ep->pcs));)
        kith_pc_destroy(KITH_OWNER(node, kith_pc, in_endpoint));
    kith_streams_deinit(ep);
    for (kith_list_node *node; (node = kith_list_take(&ep->requests));)
        free_pending_request(KITH_OWNER(node, kith_pending_request, in_requests));
    if (ep->asked)
        free_pending_request(ep->asked);
    for (kith_list_node *node; (node = kith_list_take(&ep->locals));)
        kith_free(KITH_OWNER(node, kith_local, in_endpoint));
    kith_heap_deinit(&ep->deadlines);
    kith_map_deinit(&ep->by_tag);
    kith_map_deinit(&ep->by_path);
    kith_map_deinit(&ep->pending_requests);
    kith_tls_context_free(ep->tls);
    kith_free(ep);
}

const kith_tls_context *kith_endpoint_tls(kith_endpoint *ep)
{
    if (!ep->tls && kith_tls_client_context(&ep->tls, NULL) != KITH_OK)
        ep->tls = NULL;
    return ep->tls;
}

/* ---- who is ready ---- */

/* The driver may sleep on a timeout that is not true any more. */
static void wake_driver(kith_endpoint *ep)
{
    if (atomic_exchange(&ep->asleep, false) && ep->wake)
        ep->wake(ep->user);
}

void kith_endpoint_set_ready(kith_pc *pc)
{
    if (kith_list_has(&pc->in_ready))
        return;
    kith_list_append(&pc->ep->ready, &pc->in_ready);
    wake_driver(pc->ep);
}

void kith_endpoint_set_has_events(kith_pc *pc)
{
    if (kith_list_has(&pc->in_with_events))
        return;
    kith_list_append(&pc->ep->with_events, &pc->in_with_events);
    wake_driver(pc->ep);
}

void kith_endpoint_wake(void *user)
{
    kith_pc *pc = user;
    kith_endpoint *ep = pc->ep;
    if (atomic_exchange(&pc->is_woken, true))
        return;
    kith_pc *top = atomic_load(&ep->woken);
    do
        pc->next_woken = top;
    while (!atomic_compare_exchange_weak(&ep->woken, &top, pc));
    wake_driver(ep);
}

/* Takes the stack of woken peers over into the ready list. */
static void collect_woken(kith_endpoint *ep)
{
    if (!atomic_load(&ep->woken))
        return;
    kith_pc *pc = atomic_exchange(&ep->woken, NULL);
    while (pc) {
        kith_pc *next = pc->next_woken;
        atomic_store(&pc->is_woken, false); /* from here on it may be pushed again */
        if (!kith_list_has(&pc->in_ready))
            kith_list_append(&ep->ready, &pc->in_ready);
        pc = next;
    }
}

kith_err kith_endpoint_enter(kith_endpoint *ep, kith_pc *pc)
{
    kith_err err = kith_heap_reserve(&ep->deadlines, ep->pc_count + 1);
    if (err != KITH_OK)
        return err;
    ep->pc_count++;
    kith_list_append(&ep->pcs, &pc->in_endpoint);
    return KITH_OK;
}

void kith_endpoint_leave(kith_pc *pc)
{
    kith_endpoint *ep = pc->ep;
    collect_woken(ep);
    kith_list_remove(&pc->in_ready);
    kith_list_remove(&pc->in_with_events);
    kith_heap_set(&ep->deadlines, &pc->deadline, KITH_NEVER);
    if (ep->event_owner == pc)
        ep->event_owner = NULL;
    if (kith_list_has(&pc->in_endpoint)) {
        kith_list_remove(&pc->in_endpoint);
        ep->pc_count--;
    }
}

/* ---- packets and time ---- */

void kith_endpoint_begin(kith_endpoint *ep, kith_time now)
{
    assert(now >= ep->now); /* kith/endpoint.h: now never goes backwards */
    ep->now = now;
    atomic_store(&ep->asleep, false);
}

void kith_endpoint_handle_timeout(kith_endpoint *ep, kith_time now)
{
    kith_endpoint_begin(ep, now);
    collect_woken(ep);
    for (kith_heap_node *node; (node = kith_heap_first(&ep->deadlines)) && node->at <= now;) {
        kith_pc *pc = KITH_OWNER(node, kith_pc, deadline);
        kith_pump_tick(pc, now);
        /* Set anew when its packets have been polled; until then it is in the ready list. */
        kith_heap_set(&ep->deadlines, &pc->deadline, KITH_NEVER);
        kith_endpoint_set_ready(pc);
    }
    kith_streams_tick(ep, now);
}

size_t kith_endpoint_poll_packet(kith_endpoint *ep, kith_time now, kith_packet_info *info,
                                 void *buf, size_t cap)
{
    assert(cap >= KITH_MAX_PACKET);
    kith_endpoint_begin(ep, now);
    collect_woken(ep);
    for (kith_list_node *node; (node = kith_list_first(&ep->ready));) {
        kith_pc *pc = KITH_OWNER(node, kith_pc, in_ready);
        kith_packet_info known = KITH_PACKET_INFO_INIT;
        size_t len = kith_pump_output(pc, now, &known, buf, cap);
        if (len > 0) {
            kith_err err = kith_config_write(info, sizeof known, &known, "KITH_PACKET_INFO_INIT");
            assert(err == KITH_OK);
            ep->counters.packets_out++;
            if (++ep->burst >= MAX_BURST) {
                ep->burst = 0;
                kith_pump_settle(pc, now);
                kith_list_remove(&pc->in_ready);
                kith_list_append(&ep->ready, &pc->in_ready);
            }
            return len;
        }
        ep->burst = 0;
        kith_list_remove(&pc->in_ready);
        if (pc->freed) {
            /* Its owner may still look at an event: then it goes when the next one is asked for. */
            if (pc != ep->event_owner)
                kith_pc_destroy(pc);
            continue;
        }
        kith_heap_set(&ep->deadlines, &pc->deadline, kith_pump_deadline(pc));
    }
    return 0;
}

kith_time kith_endpoint_timeout(kith_endpoint *ep)
{
    /* asleep first, then the look: whoever wakes in between finds us asleep and wakes the driver
     * the driver. */
    atomic_store(&ep->asleep, true);
    collect_woken(ep);
    if (!kith_list_empty(&ep->ready) || !kith_list_empty(&ep->requests))
        return 0;
    const kith_heap_node *first = kith_heap_first(&ep->deadlines);
    kith_time streams = kith_streams_deadline(ep);
    return first && first->at < streams ? first->at : streams;
}

const kith_event *kith_endpoint_poll_event(kith_endpoint *ep)
{
    if (ep->event_owner) {
        kith_events_release(ep->event_owner);
        if (ep->event_owner->freed)
            kith_endpoint_set_ready(ep->event_owner); /* it was kept for its event alone */
    }
    ep->event_owner = NULL;
    for (kith_list_node *node; (node = kith_list_first(&ep->with_events));) {
        kith_pc *pc = KITH_OWNER(node, kith_pc, in_with_events);
        const kith_event *ev = kith_events_next(pc);
        kith_list_remove(&pc->in_with_events);
        if (ev) {
            /* The next is another peer's. */
            kith_list_append(&ep->with_events, &pc->in_with_events);
            ep->event_owner = pc;
            return ev;
        }
    }
    return NULL;
}

int64_t kith_endpoint_unix_time(const kith_endpoint *ep, kith_time at)
{
    return (int64_t)ep->ntp_time_at_zero - KITH_NTP_TO_UNIX_SECONDS * 1000000 + at;
}

kith_time kith_endpoint_present(const kith_endpoint *ep)
{
    kith_time now = ep->clock ? ep->clock(ep->user) : ep->now;
    return now > ep->now ? now : ep->now;
}

const kith_endpoint_counters *kith_endpoint_get_counters(const kith_endpoint *ep)
{
    return &ep->counters;
}

/* ---- local addresses ---- */

static kith_local *find_local(kith_endpoint *ep, const kith_address *address,
                              kith_protocol protocol)
{
    KITH_LIST_EACH(&ep->locals, node) {
        kith_local *local = KITH_OWNER(node, kith_local, in_endpoint);
        if (local->protocol == protocol && kith_address_equal(&local->address, address))
            return local;
    }
    return NULL;
}

const kith_local *kith_endpoint_find_local(const kith_endpoint *ep, const kith_address *ip,
                                           kith_protocol protocol)
{
    KITH_LIST_EACH(&ep->locals, node) {
        const kith_local *local = KITH_OWNER(node, kith_local, in_endpoint);
        if (local->protocol == protocol && kith_address_same_ip(&local->address, ip))
            return local;
    }
    return NULL;
}

static kith_err check_local(kith_endpoint *ep, const kith_local_info *info)
{
    const kith_address *address = &info->address;
    if (address->family != KITH_IPV4 && address->family != KITH_IPV6)
        return kith_fail(KITH_ERR_TYPE, "a local address must be IPv4 or IPv6");
    if (info->protocol != KITH_UDP && info->protocol != KITH_TCP)
        return kith_fail(KITH_ERR_TYPE, "a local address is of UDP or of TCP");
    if (info->external.family != 0 && info->external.family != address->family)
        return kith_fail(KITH_ERR_TYPE, "an external address is of the family of the local one");
    for (size_t i = 0; i < sizeof info->reserved; i++)
        if (info->reserved[i])
            return kith_fail(KITH_ERR_NOT_SUPPORTED, "a reserved field of the address is set");
    if (find_local(ep, address, info->protocol))
        return kith_fail(KITH_ERR_INVALID_STATE, "the local address is there already");
    return KITH_OK;
}

kith_err kith_endpoint_add_local(kith_endpoint *ep, const kith_local_info *info)
{
    kith_local_info known = KITH_LOCAL_INFO_INIT;
    kith_err err = kith_config_read(&known, sizeof known, info, "KITH_LOCAL_INFO_INIT");
    if (err == KITH_OK)
        err = check_local(ep, &known);
    if (err != KITH_OK)
        return err;
    kith_local *local = kith_alloc_zero(1, sizeof *local);
    if (!local)
        return kith_fail_memory();
    local->address = known.address;
    local->protocol = known.protocol;
    local->external = known.external;
    local->preference = known.preference;
    local->is_default_route = known.is_default_route;
    local->is_hidden = known.is_hidden;
    kith_list_append(&ep->locals, &local->in_endpoint);
    KITH_LIST_EACH(&ep->pcs, node) {
        kith_pc *pc = KITH_OWNER(node, kith_pc, in_endpoint);
        KITH_LIST_EACH(&pc->transports, each)
            kith_gather_local_added(KITH_OWNER(each, kith_transport, in_pc), local);
    }
    return KITH_OK;
}

static kith_err add_bare(kith_endpoint *ep, const kith_address *address, kith_protocol protocol)
{
    kith_local_info info = KITH_LOCAL_INFO_INIT;
    info.address = *address;
    info.protocol = protocol;
    info.is_default_route = true;
    return kith_endpoint_add_local(ep, &info);
}

kith_err kith_endpoint_add_local_address(kith_endpoint *ep, const kith_address *address)
{
    return add_bare(ep, address, KITH_UDP);
}

kith_err kith_endpoint_add_tcp_address(kith_endpoint *ep, const kith_address *address)
{
    return add_bare(ep, address, KITH_TCP);
}

static void remove_local(kith_endpoint *ep, const kith_address *address, kith_protocol protocol)
{
    kith_local *local = find_local(ep, address, protocol);
    if (!local)
        return;
    kith_list_remove(&local->in_endpoint);
    KITH_LIST_EACH(&ep->pcs, node) {
        kith_pc *pc = KITH_OWNER(node, kith_pc, in_endpoint);
        KITH_LIST_EACH(&pc->transports, each)
            kith_gather_local_removed(KITH_OWNER(each, kith_transport, in_pc), local);
    }
    if (protocol == KITH_TCP)
        kith_streams_listener_removed(ep, &local->address);
    kith_free(local);
}

void kith_endpoint_remove_local_address(kith_endpoint *ep, const kith_address *address)
{
    remove_local(ep, address, KITH_UDP);
}

void kith_endpoint_remove_tcp_address(kith_endpoint *ep, const kith_address *address)
{
    remove_local(ep, address, KITH_TCP);
}

/* ---- requests ---- */

kith_pending_request *kith_endpoint_new_request(kith_endpoint *ep, kith_transport *owner,
                                                kith_pending_request_kind kind)
{
    kith_pending_request *pending = kith_alloc_zero(1, sizeof *pending);
    if (!pending)
        return NULL;
    pending->kind = kind;
    pending->owner = owner;
    pending->id = ++ep->request_ids;
    if (kith_map_add(&ep->pending_requests, &pending->by_id,
                     kith_span_of(&pending->id, sizeof pending->id)) != KITH_OK) {
        kith_free(pending);
        return NULL;
    }
    kith_list_append(&ep->requests, &pending->in_requests);
    wake_driver(ep);
    return pending;
}

bool kith_request_is_socket(const kith_pending_request *pending)
{
    return pending->kind == KITH_PENDING_REQUEST_OPEN ||
           pending->kind == KITH_PENDING_REQUEST_OPEN_FOR_RELAY;
}

/* Turns a request that owns a socket into the request to close it. */
static void ask_to_close(kith_endpoint *ep, kith_pending_request *pending)
{
    pending->kind = KITH_PENDING_REQUEST_CLOSE;
    pending->owner = NULL;
    kith_list_append(&ep->requests, &pending->in_requests);
    wake_driver(ep);
}

void kith_endpoint_ask_to_disconnect(kith_endpoint *ep, kith_pending_request *pending)
{
    pending->kind = KITH_PENDING_REQUEST_DISCONNECT;
    pending->owner = NULL;
    pending->id = ++ep->request_ids;
    kith_list_append(&ep->requests, &pending->in_requests);
    wake_driver(ep);
}

void kith_endpoint_drop_request(kith_endpoint *ep, kith_pending_request *pending)
{
    kith_list_remove(&pending->in_owner);
    bool answered =
        !kith_map_find(&ep->pending_requests, kith_span_of(&pending->id, sizeof pending->id));
    if (kith_request_is_socket(pending) && answered) {
        ask_to_close(ep, pending);
        return;
    }
    if (pending->kind == KITH_PENDING_REQUEST_CONNECT_FOR_RELAY && answered) {
        kith_endpoint_ask_to_disconnect(ep, pending);
        return;
    }
    kith_map_remove(&ep->pending_requests, &pending->by_id);
    kith_list_remove(&pending->in_requests);
    free_pending_request(pending);
}

const kith_request *kith_endpoint_poll_request(kith_endpoint *ep)
{
    if (ep->asked) {
        free_pending_request(ep->asked);
        ep->asked = NULL;
    }
    kith_list_node *node = kith_list_take(&ep->requests);
    if (!node)
        return NULL;
    kith_pending_request *pending = KITH_OWNER(node, kith_pending_request, in_requests);
    kith_request *request = &ep->request;
    *request = (kith_request){.id = pending->id,
                              .local = pending->local,
                              .hostname = pending->hostname,
                              .remote = pending->remote};
    switch (pending->kind) {
    case KITH_PENDING_REQUEST_OPEN:
    case KITH_PENDING_REQUEST_OPEN_FOR_RELAY:
        request->type = KITH_REQUEST_OPEN;
        break;
    case KITH_PENDING_REQUEST_RESOLVE_SERVER:
    case KITH_PENDING_REQUEST_RESOLVE_REMOTE:
    case KITH_PENDING_REQUEST_RESOLVE_NAT64:
        request->type = KITH_REQUEST_RESOLVE;
        break;
    case KITH_PENDING_REQUEST_CLOSE:
        request->type = KITH_REQUEST_CLOSE;
        ep->asked = pending;
        break;
    case KITH_PENDING_REQUEST_CONNECT:
    case KITH_PENDING_REQUEST_CONNECT_FOR_RELAY:
        request->type = KITH_REQUEST_CONNECT;
        break;
    case KITH_PENDING_REQUEST_DISCONNECT:
        request->type = KITH_REQUEST_DISCONNECT;
        ep->asked = pending;
        break;
    }
    return request;
}

/* The request that an answer is for, no longer in the map of the unanswered; NULL: its owner is
 * gone. */
static kith_pending_request *take_answered(kith_endpoint *ep, uint64_t id, kith_transport **owner)
{
    kith_map_node *node = kith_map_find(&ep->pending_requests, kith_span_of(&id, sizeof id));
    if (!node)
        return NULL;
    kith_pending_request *pending = KITH_OWNER(node, kith_pending_request, by_id);
    kith_map_remove(&ep->pending_requests, node);
    kith_list_remove(&pending->in_requests); /* answered before it was polled */
    *owner = pending->owner;
    return pending;
}

/* Nobody waits for the socket any more: it is asked to be closed. */
static void close_orphan(kith_endpoint *ep, const kith_address *bound)
{
    kith_pending_request *pending = kith_alloc_zero(1, sizeof *pending);
    if (!pending)
        return; /* the socket stays open: the driver closes it with its loop */
    pending->local = *bound;
    pending->id = ++ep->request_ids;
    ask_to_close(ep, pending);
}

void kith_endpoint_handle_opened(kith_endpoint *ep, kith_time now, uint64_t id,
                                 const kith_address *bound)
{
    kith_endpoint_begin(ep, now);
    kith_transport *owner = NULL;
    kith_pending_request *pending = take_answered(ep, id, &owner);
    if (!pending) {
        if (bound)
            close_orphan(ep, bound);
        return;
    }
    assert(kith_request_is_socket(pending)); /* kith/endpoint.h: each request has its own answer */
    if (!bound) {
        kith_gather_not_opened(owner, pending);
        kith_list_remove(&pending->in_owner);
        free_pending_request(pending);
        kith_gather_answered(owner);
        return;
    }
    pending->local = *bound;
    kith_gather_opened(owner, pending);
}

/* Nobody waits for the connection any more. */
static void disconnect_orphan(kith_endpoint *ep, const kith_path *path)
{
    kith_pending_request *pending = kith_alloc_zero(1, sizeof *pending);
    if (!pending)
        return; /* it stays open until the peer or the driver closes it */
    pending->local = path->local;
    pending->remote = path->remote;
    kith_endpoint_ask_to_disconnect(ep, pending);
}

static const char *connect_result_text(kith_connect_result result)
{
    static const char *const texts[] = {
        [KITH_CONNECT_DONE] = NULL,
        [KITH_CONNECT_REFUSED] = "the TCP connection was refused",
        [KITH_CONNECT_UNREACHABLE] = "no route for a TCP connection",
        [KITH_CONNECT_TIMED_OUT] = "no answer to a TCP connection",
        [KITH_CONNECT_FAILED] = "no TCP connection could be made",
    };
    assert((unsigned)result < sizeof texts / sizeof texts[0]);
    return texts[result];
}

void kith_endpoint_handle_connected(kith_endpoint *ep, kith_time now, uint64_t id,
                                    const kith_path *path, kith_connect_result result)
{
    kith_endpoint_begin(ep, now);
    const char *why = connect_result_text(result);
    assert(!why == !!path); /* kith/endpoint.h */
    kith_transport *owner = NULL;
    kith_pending_request *pending = take_answered(ep, id, &owner);
    if (!pending) {
        if (path)
            disconnect_orphan(ep, path);
        return;
    }
    if (pending->kind == KITH_PENDING_REQUEST_CONNECT_FOR_RELAY) {
        kith_relays_connected(owner, pending, path, why);
        kith_gather_answered(owner);
        return;
    }
    assert(pending->kind == KITH_PENDING_REQUEST_CONNECT); /* each request has its own answer */
    kith_streams_connected(owner, pending, path, why);
    kith_endpoint_set_ready(owner->pc);
}

void kith_endpoint_handle_resolved(kith_endpoint *ep, kith_time now, uint64_t id,
                                   const kith_address *addresses, size_t count)
{
    kith_endpoint_begin(ep, now);
    kith_transport *owner = NULL;
    kith_pending_request *pending = take_answered(ep, id, &owner);
    if (!pending)
        return;
    assert(!kith_request_is_socket(pending)); /* kith/endpoint.h: each request has its own answer */
    kith_list_remove(&pending->in_owner);
    kith_gather_resolved(owner, pending, addresses, count);
    free_pending_request(pending);
    kith_gather_answered(owner);
}

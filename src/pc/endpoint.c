/* The endpoint: owns the peer connections of one thread and is the only thing a driver talks to. It knows
 * who is ready, who waits until when, and whose a packet is (route.c). What a packet means is pump.c's. */
#include "pc/endpoint.h"

#include <assert.h>
#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "pc/pc.h"
#include "pc/pump.h"

/* Packets that one peer may send in a row before the next ready one has its turn. */
#define MAX_BURST 64
/* Seconds from 1900 to 1970 (RFC 868). */
#define NTP_TO_UNIX_SECONDS 2208988800LL
/* 1 January 2026, for drivers that know no wall time. */
#define DEFAULT_UNIX_SECONDS 1767225600LL

kith_err kith_endpoint_new(kith_endpoint **out, const kith_endpoint_config *cfg)
{
    kith_endpoint_config config = KITH_ENDPOINT_CONFIG_INIT;
    kith_err err = KITH_OK;
    if (cfg != NULL)
        err = kith_config_read(&config, sizeof config, cfg, "KITH_ENDPOINT_CONFIG_INIT");
    if (err != KITH_OK)
        return err;
    kith_endpoint *ep = kith_alloc_zero(1, sizeof *ep);
    if (ep == NULL)
        return kith_fail_memory();
    ep->ntp_time_at_zero = (uint64_t)(DEFAULT_UNIX_SECONDS + NTP_TO_UNIX_SECONDS) * 1000000;
    if (config.ntp_time_at_zero != 0)
        ep->ntp_time_at_zero = config.ntp_time_at_zero;
    ep->wake = config.wake;
    ep->user = config.user;
    kith_list_init(&ep->pcs);
    kith_list_init(&ep->ready);
    kith_list_init(&ep->telling);
    kith_list_init(&ep->locals);
    kith_list_init(&ep->requests);
    kith_heap_init(&ep->deadlines);
    uint64_t seed[2];
    kith_random_bytes(seed, sizeof seed);
    kith_map_init(&ep->by_tag, seed);
    kith_map_init(&ep->by_ufrag, seed);
    kith_map_init(&ep->by_path, seed);
    kith_map_init(&ep->errands, seed);
    *out = ep;
    return KITH_OK;
}

static void free_errand(kith_errand *errand)
{
    kith_free(errand->hostname);
    kith_free(errand->url);
    kith_free(errand);
}

void kith_endpoint_close(kith_endpoint *ep)
{
    KITH_LIST_EACH(&ep->pcs, node)
        kith_pc_close(KITH_OWNER(node, kith_pc, in_endpoint));
}

void kith_endpoint_free(kith_endpoint *ep)
{
    if (ep == NULL)
        return;
    for (kith_list_node *node; (node = kith_list_first(&ep->pcs)) != NULL;)
        kith_pc_destroy(KITH_OWNER(node, kith_pc, in_endpoint));
    for (kith_list_node *node; (node = kith_list_take(&ep->requests)) != NULL;)
        free_errand(KITH_OWNER(node, kith_errand, in_requests));
    if (ep->asked != NULL)
        free_errand(ep->asked);
    for (kith_list_node *node; (node = kith_list_take(&ep->locals)) != NULL;)
        kith_free(KITH_OWNER(node, kith_local, in_endpoint));
    kith_heap_deinit(&ep->deadlines);
    kith_map_deinit(&ep->by_tag);
    kith_map_deinit(&ep->by_ufrag);
    kith_map_deinit(&ep->by_path);
    kith_map_deinit(&ep->errands);
    kith_free(ep);
}

/* ---- who is ready ---- */

/* The driver may sleep on a timeout that is not true any more. */
static void rouse(kith_endpoint *ep)
{
    if (atomic_exchange(&ep->asleep, false) && ep->wake != NULL)
        ep->wake(ep->user);
}

void kith_endpoint_set_ready(kith_pc *pc)
{
    if (kith_list_has(&pc->in_ready))
        return;
    kith_list_append(&pc->ep->ready, &pc->in_ready);
    rouse(pc->ep);
}

void kith_endpoint_set_telling(kith_pc *pc)
{
    if (kith_list_has(&pc->in_telling))
        return;
    kith_list_append(&pc->ep->telling, &pc->in_telling);
    rouse(pc->ep);
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
    rouse(ep);
}

/* Takes the stack of woken peers over into the ready list. */
static void collect_woken(kith_endpoint *ep)
{
    if (atomic_load(&ep->woken) == NULL)
        return;
    kith_pc *pc = atomic_exchange(&ep->woken, NULL);
    while (pc != NULL) {
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
    kith_list_remove(&pc->in_telling);
    kith_heap_set(&ep->deadlines, &pc->deadline, KITH_NEVER);
    if (ep->told == pc)
        ep->told = NULL;
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
    for (kith_heap_node *node;
         (node = kith_heap_first(&ep->deadlines)) != NULL && node->at <= now;) {
        kith_pc *pc = KITH_OWNER(node, kith_pc, deadline);
        kith_pump_tick(pc, now);
        /* Set anew when its packets have been polled; until then it is in the ready list. */
        kith_heap_set(&ep->deadlines, &pc->deadline, KITH_NEVER);
        kith_endpoint_set_ready(pc);
    }
}

size_t kith_endpoint_poll_packet(kith_endpoint *ep, kith_time now, kith_packet_info *info,
                                 void *buf, size_t cap)
{
    assert(cap >= KITH_MAX_PACKET);
    kith_endpoint_begin(ep, now);
    collect_woken(ep);
    for (kith_list_node *node; (node = kith_list_first(&ep->ready)) != NULL;) {
        kith_pc *pc = KITH_OWNER(node, kith_pc, in_ready);
        memset(info, 0, sizeof *info);
        size_t len = kith_pump_output(pc, now, info, buf, cap);
        if (len > 0) {
            ep->counters.packets_out++;
            if (++ep->burst >= MAX_BURST) {
                ep->burst = 0;
                kith_list_remove(&pc->in_ready);
                kith_list_append(&ep->ready, &pc->in_ready);
            }
            return len;
        }
        ep->burst = 0;
        kith_list_remove(&pc->in_ready);
        if (pc->freed) {
            /* Its owner may still look at an event: then it goes when the next one is asked for. */
            if (pc != ep->told)
                kith_pc_destroy(pc);
            continue;
        }
        kith_heap_set(&ep->deadlines, &pc->deadline, kith_pump_deadline(pc));
    }
    return 0;
}

kith_time kith_endpoint_timeout(kith_endpoint *ep)
{
    /* asleep first, then the look: whoever wakes in between finds us asleep and rouses the driver. */
    atomic_store(&ep->asleep, true);
    collect_woken(ep);
    if (!kith_list_empty(&ep->ready) || !kith_list_empty(&ep->requests))
        return 0;
    const kith_heap_node *first = kith_heap_first(&ep->deadlines);
    return first == NULL ? KITH_NEVER : first->at;
}

const kith_event *kith_endpoint_poll_event(kith_endpoint *ep)
{
    if (ep->told != NULL) {
        kith_events_release(ep->told);
        if (ep->told->freed)
            kith_endpoint_set_ready(ep->told); /* it was kept for its event alone */
    }
    ep->told = NULL;
    for (kith_list_node *node; (node = kith_list_first(&ep->telling)) != NULL;) {
        kith_pc *pc = KITH_OWNER(node, kith_pc, in_telling);
        const kith_event *ev = kith_events_next(pc);
        if (ev != NULL) {
            ep->told = pc;
            return ev;
        }
        kith_list_remove(&pc->in_telling);
    }
    return NULL;
}

int64_t kith_endpoint_unix_time(const kith_endpoint *ep, kith_time at)
{
    return (int64_t)ep->ntp_time_at_zero - NTP_TO_UNIX_SECONDS * 1000000 + at;
}

int64_t kith_endpoint_unix_seconds(const kith_endpoint *ep)
{
    return kith_endpoint_unix_time(ep, ep->now) / 1000000;
}

const kith_endpoint_counters *kith_endpoint_get_counters(const kith_endpoint *ep)
{
    return &ep->counters;
}

/* ---- local addresses ---- */

static kith_local *find_local(kith_endpoint *ep, const kith_address *address)
{
    KITH_LIST_EACH(&ep->locals, node) {
        kith_local *local = KITH_OWNER(node, kith_local, in_endpoint);
        if (kith_address_equal(&local->address, address))
            return local;
    }
    return NULL;
}

kith_err kith_endpoint_add_local_address(kith_endpoint *ep, const kith_address *address)
{
    if (address->family != KITH_IPV4 && address->family != KITH_IPV6)
        return kith_fail(KITH_ERR_TYPE, "a local address must be IPv4 or IPv6");
    if (find_local(ep, address) != NULL)
        return kith_fail(KITH_ERR_INVALID_STATE, "the local address is there already");
    kith_local *local = kith_alloc_zero(1, sizeof *local);
    if (local == NULL)
        return kith_fail_memory();
    local->address = *address;
    kith_list_append(&ep->locals, &local->in_endpoint);
    KITH_LIST_EACH(&ep->pcs, node) {
        kith_pc *pc = KITH_OWNER(node, kith_pc, in_endpoint);
        kith_gather_local_added(&pc->transport, address);
    }
    return KITH_OK;
}

void kith_endpoint_remove_local_address(kith_endpoint *ep, const kith_address *address)
{
    kith_local *local = find_local(ep, address);
    if (local == NULL)
        return;
    kith_list_remove(&local->in_endpoint);
    KITH_LIST_EACH(&ep->pcs, node) {
        kith_pc *pc = KITH_OWNER(node, kith_pc, in_endpoint);
        kith_gather_local_removed(&pc->transport, &local->address);
    }
    kith_free(local);
}

/* ---- requests ---- */

kith_errand *kith_endpoint_new_errand(kith_endpoint *ep, kith_transport *owner,
                                      kith_errand_kind kind)
{
    kith_errand *errand = kith_alloc_zero(1, sizeof *errand);
    if (errand == NULL)
        return NULL;
    errand->kind = kind;
    errand->owner = owner;
    errand->id = ++ep->errand_ids;
    if (kith_map_add(&ep->errands, &errand->by_id, kith_span_of(&errand->id, sizeof errand->id)) !=
        KITH_OK) {
        kith_free(errand);
        return NULL;
    }
    kith_list_append(&ep->requests, &errand->in_requests);
    rouse(ep);
    return errand;
}

/* Turns an errand that owns a socket into the request to close it. */
static void ask_to_close(kith_endpoint *ep, kith_errand *errand)
{
    errand->kind = KITH_ERRAND_CLOSE;
    errand->owner = NULL;
    kith_list_append(&ep->requests, &errand->in_requests);
    rouse(ep);
}

void kith_endpoint_drop_errand(kith_endpoint *ep, kith_errand *errand)
{
    kith_list_remove(&errand->in_owner);
    bool answered =
        kith_map_find(&ep->errands, kith_span_of(&errand->id, sizeof errand->id)) == NULL;
    if (errand->kind == KITH_ERRAND_OPEN && answered) {
        ask_to_close(ep, errand);
        return;
    }
    kith_map_remove(&ep->errands, &errand->by_id);
    kith_list_remove(&errand->in_requests);
    free_errand(errand);
}

bool kith_endpoint_poll_request(kith_endpoint *ep, kith_request *request)
{
    if (ep->asked != NULL) {
        free_errand(ep->asked);
        ep->asked = NULL;
    }
    kith_list_node *node = kith_list_take(&ep->requests);
    if (node == NULL)
        return false;
    kith_errand *errand = KITH_OWNER(node, kith_errand, in_requests);
    memset(request, 0, sizeof *request);
    request->id = errand->id;
    request->local = errand->local;
    request->hostname = errand->hostname;
    switch (errand->kind) {
    case KITH_ERRAND_OPEN:
        request->type = KITH_REQUEST_OPEN;
        break;
    case KITH_ERRAND_RESOLVE_SERVER:
    case KITH_ERRAND_RESOLVE_REMOTE:
        request->type = KITH_REQUEST_RESOLVE;
        break;
    case KITH_ERRAND_CLOSE:
        request->type = KITH_REQUEST_CLOSE;
        ep->asked = errand;
        break;
    }
    return true;
}

/* The errand that an answer is for, no longer in the map of the unanswered; NULL: its owner is gone. */
static kith_errand *take_answered(kith_endpoint *ep, uint64_t id, kith_transport **owner)
{
    kith_map_node *node = kith_map_find(&ep->errands, kith_span_of(&id, sizeof id));
    if (node == NULL)
        return NULL;
    kith_errand *errand = KITH_OWNER(node, kith_errand, by_id);
    kith_map_remove(&ep->errands, node);
    kith_list_remove(&errand->in_requests); /* answered before it was polled */
    *owner = errand->owner;
    return errand;
}

/* Nobody waits for the socket any more: it is asked to be closed. */
static void close_orphan(kith_endpoint *ep, const kith_address *bound)
{
    kith_errand *errand = kith_alloc_zero(1, sizeof *errand);
    if (errand == NULL)
        return; /* the socket stays open: the driver closes it with its loop */
    errand->local = *bound;
    errand->id = ++ep->errand_ids;
    ask_to_close(ep, errand);
}

void kith_endpoint_handle_opened(kith_endpoint *ep, kith_time now, uint64_t id,
                                 const kith_address *bound)
{
    kith_endpoint_begin(ep, now);
    kith_transport *owner = NULL;
    kith_errand *errand = take_answered(ep, id, &owner);
    if (errand == NULL) {
        if (bound != NULL)
            close_orphan(ep, bound);
        return;
    }
    assert(errand->kind == KITH_ERRAND_OPEN); /* kith/endpoint.h: each request has its own answer */
    if (bound == NULL) {
        kith_list_remove(&errand->in_owner);
        free_errand(errand);
        kith_gather_answered(owner);
        return;
    }
    errand->local = *bound;
    kith_gather_opened(owner, errand);
}

void kith_endpoint_handle_resolved(kith_endpoint *ep, kith_time now, uint64_t id,
                                   const kith_address *addresses, size_t count)
{
    kith_endpoint_begin(ep, now);
    kith_transport *owner = NULL;
    kith_errand *errand = take_answered(ep, id, &owner);
    if (errand == NULL)
        return;
    assert(errand->kind != KITH_ERRAND_OPEN); /* kith/endpoint.h: each request has its own answer */
    kith_list_remove(&errand->in_owner);
    kith_gather_resolved(owner, errand, addresses, count);
    free_errand(errand);
    kith_gather_answered(owner);
}

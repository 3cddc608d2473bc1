/* Gathering: every base asks every STUN server of its kind what it looks like from outside (RFC
 * 8445 section 5.1.1.2) and keeps the answer alive until a pair is selected (section 5.1.1.4). Host
 * candidates need no asking: candidates.c. */
#include "ice/gather.h"

#include "base/error.h"
#include "base/memory.h"
#include "ice/candidates.h"
#include "ice/checks.h"

/* A server is asked three times, at 0, 0.5 and 1.5 s, and given up after 2.5 s: who waits for the
 * end of gathering, as a peer without trickle does, waits for it. RFC 8489's seven requests and
 * 39.5 s (section 6.2.1) are a SHOULD. */
#define GATHER_RC 3
#define GATHER_RM 2

static bool can_ask(const kith_ice_base *base, const kith_ice_server *server)
{
    return !base->is_gone && base->local && !base->relay_url &&
           base->tcp_type == KITH_TCPTYPE_NONE && base->address.family == server->address.family &&
           kith_address_is_loopback(&base->address) == kith_address_is_loopback(&server->address) &&
           kith_address_is_link_local(&base->address) ==
               kith_address_is_link_local(&server->address);
}

static bool is_asked(const kith_ice_generation *g, const kith_ice_base *base,
                     const kith_ice_server *server)
{
    KITH_ICE_EACH(&g->gathers, kith_ice_gather, gather)
        if (gather->base == base && gather->server == server)
            return true;
    return false;
}

/* Without memory there is one candidate less. */
static void ask(kith_ice_generation *g, kith_ice_base *base, kith_ice_server *server)
{
    if (!can_ask(base, server) || is_asked(g, base, server))
        return;
    kith_ice_gather *gather = kith_alloc_zero(1, sizeof *gather);
    if (!gather)
        return;
    gather->base = base;
    gather->server = server;
    kith_list_append(&g->gathers, &gather->node);
}

void kith_ice_gather_base(kith_ice *ice, kith_ice_generation *g, kith_ice_base *base)
{
    KITH_ICE_EACH(&g->servers, kith_ice_server, server)
        ask(g, base, server);
    ice->is_dirty = true;
}

void kith_ice_gather_drop_base(kith_ice_generation *g, const kith_ice_base *base)
{
    KITH_ICE_EACH(&g->gathers, kith_ice_gather, gather)
        if (gather->base == base) {
            kith_list_remove(&gather->node);
            kith_free(gather);
        }
}

kith_err kith_ice_add_server(kith_ice *ice, kith_ice_generation *g, const kith_address *server,
                             const char *url)
{
    if (server->family == 0 || server->port == 0 || !url)
        return kith_fail(KITH_ERR_TYPE, "a STUN server needs an address, a port and a URL");
    if (g->server_count >= KITH_ICE_MAX_SERVERS)
        return kith_fail(KITH_ERR_RANGE, "more than %d STUN servers", KITH_ICE_MAX_SERVERS);
    KITH_ICE_EACH(&g->servers, kith_ice_server, other)
        if (kith_address_equal(&other->address, server))
            return KITH_OK;
    kith_ice_server *s = kith_alloc_zero(1, sizeof *s);
    char *copy = kith_strdup(url);
    if (!s || !copy) {
        kith_free(s);
        kith_free(copy);
        return kith_fail_memory();
    }
    s->address = *server;
    s->url = copy;
    kith_list_append(&g->servers, &s->node);
    g->server_count++;
    KITH_ICE_EACH(&g->bases, kith_ice_base, base)
        ask(g, base, s);
    ice->is_dirty = true;
    return KITH_OK;
}

kith_err kith_ice_add_stun_server(kith_ice *ice, const kith_address *server, const char *url)
{
    return kith_ice_add_server(ice, ice->newest, server, url);
}

static void fail_gather(kith_ice *ice, kith_ice_gather *gather, int code, const char *text)
{
    gather->state = KITH_ICE_GATHER_FAILED;
    gather->error_code = code;
    gather->error_text = text;
    gather->is_error_pending = ice->has_events = true;
    ice->is_dirty = true;
    KITH_LOG(ice->log, INFO, "ice: %s: %d %s", gather->server->url, code, text);
}

void kith_ice_end_gathering(kith_ice *ice)
{
    KITH_ICE_EACH(&ice->newest->gathers, kith_ice_gather, gather)
        if (gather->state <= KITH_ICE_GATHER_IN_PROGRESS)
            fail_gather(ice, gather, KITH_ICE_SERVER_UNREACHABLE, "STUN server did not answer");
    kith_ice_end_local(ice);
}

void kith_ice_end_local(kith_ice *ice)
{
    ice->newest->is_local_ended = true;
    ice->is_dirty = true;
}

/* ---- the requests ---- */

static kith_path path_of(const kith_ice_gather *gather)
{
    kith_path path = {gather->base->address, gather->server->address, KITH_UDP};
    path.remote.scope_id = path.local.scope_id;
    return path;
}

static void write_request(const kith_ice *ice, const kith_ice_gather *gather, kith_writer *w)
{
    uint8_t id[KITH_STUN_ID];
    kith_ice_stun_id(ice, gather->id, id);
    kith_stun_begin(w, KITH_STUN_REQUEST, KITH_STUN_BINDING, id);
    kith_stun_put_fingerprint(w);
}

static unsigned unanswered(const kith_ice_generation *g)
{
    unsigned count = 0;
    KITH_ICE_EACH(&g->gathers, kith_ice_gather, gather)
        count += gather->state <= KITH_ICE_GATHER_IN_PROGRESS;
    return count;
}

/* Is a binding still worth keeping? Only while it may be chosen. */
static bool is_refreshed(const kith_ice_generation *g, const kith_ice_gather *gather)
{
    return gather->state == KITH_ICE_GATHER_SUCCEEDED && !g->selected && !g->is_failed;
}

static kith_time due_at(const kith_ice *ice, const kith_ice_gather *gather)
{
    const kith_ice_generation *g = ice->newest;
    if (gather->state == KITH_ICE_GATHER_WAITING && !g->is_failed)
        return kith_ice_later(ice->gather_at, ice->transaction_at);
    if (gather->state == KITH_ICE_GATHER_IN_PROGRESS || is_refreshed(g, gather))
        return gather->at;
    return KITH_NEVER;
}

kith_time kith_ice_gather_due(const kith_ice *ice)
{
    kith_time due = KITH_NEVER;
    KITH_ICE_EACH(&ice->newest->gathers, kith_ice_gather, gather)
        due = kith_ice_earlier(due, due_at(ice, gather));
    return due;
}

static void send_first(kith_ice *ice, kith_ice_gather *gather, kith_time now)
{
    gather->rto = kith_ice_later(KITH_ICE_RTO, (kith_time)unanswered(ice->newest) * KITH_ICE_TA);
    gather->id = kith_ice_new_stun_id();
    gather->state = KITH_ICE_GATHER_IN_PROGRESS;
    gather->transmissions = 1;
    gather->at = now + gather->rto;
    ice->gather_at = now + KITH_ICE_TA;
    ice->transaction_at = now + KITH_ICE_TA_FLOOR;
}

static void send_again(kith_ice_gather *gather, kith_time now)
{
    gather->transmissions++;
    gather->at =
        now + (gather->transmissions == GATHER_RC ? gather->rto * GATHER_RM
                                                  : gather->rto << (gather->transmissions - 1));
}

static void send_refresh(kith_ice_gather *gather, kith_time now)
{
    gather->id = kith_ice_new_stun_id();
    gather->at = now + KITH_ICE_KEEPALIVE;
}

bool kith_ice_output_gather(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w)
{
    KITH_ICE_EACH(&ice->newest->gathers, kith_ice_gather, gather) {
        if (now < due_at(ice, gather))
            continue;
        if (gather->state == KITH_ICE_GATHER_WAITING)
            send_first(ice, gather, now);
        else if (gather->state == KITH_ICE_GATHER_IN_PROGRESS)
            send_again(gather, now);
        else
            send_refresh(gather, now);
        write_request(ice, gather, w);
        *path = path_of(gather);
        return true;
    }
    return false;
}

/* ---- the answers ---- */

void kith_ice_set_translated(kith_ice *ice, bool is_translated)
{
    ice->is_translated = is_translated;
}

/* RFC 8445 section 5.1.3: same address and base as another that was told, hence redundant. */
static bool is_redundant(const kith_ice_generation *g, const kith_ice_base *base,
                         const kith_address *address)
{
    KITH_ICE_EACH(&g->locals, kith_ice_local, local)
        if (local->base == base && local->candidate.type != KITH_CANDIDATE_PRFLX &&
            kith_address_equal(&local->candidate.address, address))
            return true;
    return false;
}

static void add_server_reflexive(kith_ice *ice, kith_ice_gather *gather, const kith_address *mapped)
{
    kith_ice_generation *g = ice->newest;
    kith_address seen = *mapped;
    seen.scope_id = gather->base->address.scope_id;
    bool is_like = seen.family == gather->base->address.family;
    if ((!is_like && !ice->is_translated) || is_redundant(g, gather->base, &seen))
        return;
    kith_ice_local *local =
        kith_ice_new_local(ice, g, gather->base, &seen, KITH_CANDIDATE_SRFLX, gather->server);
    if (local)
        local->is_pending = ice->has_events = true;
}

static void handle_answer(kith_ice *ice, kith_time now, kith_ice_gather *gather, const kith_stun *m)
{
    if (m->class == KITH_STUN_ERROR) {
        /* 300 too: another server is the owner's to name, not the server's (RFC 8445
         * section 5.1.1.2 knows no ALTERNATE-SERVER without authentication, RFC 8489 section 10).
         */
        int code = kith_stun_has(m, KITH_STUN_HAS_ERROR_CODE) ? m->error_code.code : 400;
        fail_gather(ice, gather, code, kith_stun_reason(code));
        return;
    }
    gather->state = KITH_ICE_GATHER_SUCCEEDED;
    gather->at = now + KITH_ICE_KEEPALIVE;
    ice->is_dirty = true;
    if (kith_stun_has(m, KITH_STUN_HAS_XOR_MAPPED_ADDRESS))
        add_server_reflexive(ice, gather, &m->xor_mapped_address);
    else if (kith_stun_has(m, KITH_STUN_HAS_MAPPED_ADDRESS)) /* an RFC 3489 server */
        add_server_reflexive(ice, gather, &m->mapped_address);
    else
        fail_gather(ice, gather, KITH_ICE_SERVER_UNREACHABLE, "STUN answer without an address");
}

bool kith_ice_gather_response(kith_ice *ice, kith_time now, const kith_path *path,
                              const kith_stun *m)
{
    kith_reader r = kith_rd(m->id, sizeof m->id);
    uint32_t tag = kith_rd_u32(&r);
    uint64_t id = kith_rd_u64(&r);
    if (tag != ice->tag || id == 0)
        return false;
    KITH_ICE_EACH(&ice->newest->gathers, kith_ice_gather, gather) {
        kith_path expected = path_of(gather);
        if (gather->id != id || !kith_path_equal(&expected, path))
            continue;
        if (gather->state == KITH_ICE_GATHER_IN_PROGRESS && m->unknown_count == 0)
            handle_answer(ice, now, gather, m);
        gather->id = 0;
        return true;
    }
    return false;
}

void kith_ice_gather_tick(kith_ice *ice, kith_time now)
{
    kith_ice_generation *g = ice->newest;
    KITH_ICE_EACH(&g->gathers, kith_ice_gather, gather)
        if (gather->state == KITH_ICE_GATHER_IN_PROGRESS && gather->transmissions == GATHER_RC &&
            now >= gather->at)
            fail_gather(ice, gather, KITH_ICE_SERVER_UNREACHABLE, "STUN server did not answer");
    if (g->is_local_ended && !g->is_gathered && unanswered(g) == 0)
        g->is_gathered = g->is_gathered_pending = ice->has_events = true;
}

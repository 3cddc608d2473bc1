/* The agent as a whole: its life, its state, and the five verbs that lead into the other files. */
#include "ice/ice.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "ice/agent.h"
#include "ice/answers.h"
#include "ice/checks.h"
#include "ice/consent.h"
#include "ice/events.h"
#include "ice/failover.h"
#include "ice/gather.h"
#include "ice/generation.h"
#include "ice/nominate.h"
#include "ice/pairs.h"
#include "ice/renominate.h"

kith_err kith_ice_new(kith_ice **out, const kith_ice_config *config)
{
    kith_ice *ice = kith_alloc_zero(1, sizeof *ice);
    if (!ice)
        return kith_fail_memory();
    ice->tag = config->transaction_tag;
    ice->relay_only = config->relay_only;
    ice->log = config->log;
    ice->role = KITH_ICE_CONTROLLED;
    ice->tie_breaker = kith_random_u64();
    ice->due = KITH_NEVER;
    kith_list_init(&ice->gone);
    ice->search_at = KITH_NEVER;
    if (config->ufrag)
        kith_ice_set_next(ice, config->ufrag, config->pwd);
    ice->newest = kith_ice_new_generation(kith_ice_next_ufrag(ice), kith_ice_next_pwd(ice));
    if (!ice->newest) {
        kith_free(ice);
        return kith_fail_memory();
    }
    kith_wipe(ice->next_ufrag, sizeof ice->next_ufrag);
    kith_wipe(ice->next_pwd, sizeof ice->next_pwd);
    ice->newest->relay_only = config->relay_only;
    *out = ice;
    return KITH_OK;
}

void kith_ice_free(kith_ice *ice)
{
    if (!ice)
        return;
    kith_ice_forget_previous(ice);
    kith_ice_free_generation(ice, ice->newest);
    for (kith_list_node *node; (node = kith_list_take(&ice->gone));)
        kith_free(KITH_OWNER(node, kith_ice_pair, node));
    kith_wipe(ice, sizeof *ice);
    kith_free(ice);
}

/* ---- state ---- */

/* When the newest generation counts as failed, as things stand; KITH_NEVER while there is hope. */
static kith_time fail_at(const kith_ice_generation *g)
{
    if (g->is_failed || !g->has_remote || g->pac_at == 0 || kith_ice_best_valid(g))
        return KITH_NEVER;
    /* What was connected and is no more needs a restart (RFC 7675 section 5.1). */
    if (g->first_valid_at != 0)
        return g->lost_until;
    if (kith_ice_has_live_pair(g) || g->pending_names > 0)
        return KITH_NEVER;
    /* RFC 8863 section 4: not before the PAC timer, however few pairs there are. A side that may
     * still trickle (RFC 8838 section 8.1.1) is waited for as long again after its last candidate.
     */
    return g->is_remote_ended && g->is_gathered ? g->pac_at
                                                : kith_ice_later(g->pac_at, g->patience_at);
}

static void run_timers(kith_ice *ice, kith_time now)
{
    kith_ice_generation *g = ice->newest;
    if (!g->has_remote)
        return;
    if (g->pac_at == 0) {
        g->pac_at = now + KITH_ICE_PAC;
        g->has_news = true;
    }
    if (g->has_news)
        g->patience_at = now + KITH_ICE_PAC;
    g->has_news = false;
    if (now >= fail_at(g)) {
        g->is_failed = true;
        kith_ice_drop_responses(ice, g);
        KITH_LOG(ice->log, INFO, "ice: no working pair of addresses");
    }
}

static bool is_completed(const kith_ice *ice)
{
    const kith_ice_generation *g = ice->newest;
    return g->selected && g->selected == ice->send_pair && g->is_gathered && g->is_remote_ended &&
           g->pending_names == 0;
}

/* RTCIceTransportState (webrtc-pc section 5.6.4) as a function of what is. */
static kith_ice_state current_state(const kith_ice *ice, kith_time now)
{
    const kith_ice_generation *g = ice->newest;
    if (ice->send_pair) {
        if (!kith_ice_is_silent(ice->send_pair, now))
            return is_completed(ice) ? KITH_ICE_COMPLETED : KITH_ICE_CONNECTED;
        bool is_restarting = ice->send_pair->generation != g && g->has_remote && !g->is_failed;
        return is_restarting ? KITH_ICE_CHECKING : KITH_ICE_DISCONNECTED;
    }
    if (g->is_failed)
        return KITH_ICE_FAILED;
    if (g->first_valid_at != 0)
        return KITH_ICE_DISCONNECTED;
    /* "disconnected or failed, ICE restart occurs: checking" */
    if (g->previous && g->previous->has_remote)
        return KITH_ICE_CHECKING;
    return g->has_remote && g->remote_count > 0 ? KITH_ICE_CHECKING : KITH_ICE_NEW;
}

static void set_state(kith_ice *ice, kith_ice_state state)
{
    static const char *const names[] = {"new",       "checking",     "connected",
                                        "completed", "disconnected", "failed"};
    if (state == ice->state)
        return;
    KITH_LOG(ice->log, INFO, "ice: %s", names[state]);
    ice->state = state;
    kith_ice_tell_state(ice, state);
}

/* ---- time ---- */

static kith_time next_due(const kith_ice *ice, kith_time now)
{
    kith_time due = fail_at(ice->newest);
    due = kith_ice_earlier(due, kith_ice_checks_due(ice, now));
    due = kith_ice_earlier(due, kith_ice_gather_due(ice));
    due = kith_ice_earlier(due, kith_ice_retire_due(ice));
    due = kith_ice_earlier(due, kith_ice_consent_due(ice, now));
    due = kith_ice_earlier(due, kith_ice_search_due(ice, now));
    due = kith_ice_earlier(due, kith_ice_renominate_due(ice, now));
    due = kith_ice_earlier(due, kith_ice_improve_due(ice, now));
    return kith_ice_earlier(due, kith_ice_nominate_due(ice, now));
}

/* Does everything that is due, except sending. */
static void advance(kith_ice *ice, kith_time now)
{
    kith_ice_gather_tick(ice, now);
    kith_ice_checks_tick(ice, now);
    kith_ice_consent_tick(ice, now);
    kith_ice_search_tick(ice, now);
    kith_ice_nominate(ice, now);
    kith_ice_renominate(ice, now);
    run_timers(ice, now);
    kith_ice_retire_tick(ice, now);
    kith_ice_choose_send_pair(ice, now);
    set_state(ice, current_state(ice, now));
    ice->due = next_due(ice, now);
    ice->is_dirty = false;
}

/* ---- the five verbs; kith_ice_event_next is in events.c ---- */

bool kith_ice_input(kith_ice *ice, kith_time now, const kith_path *path, const kith_stun *m)
{
    bool is_authentic = false;
    if (ice->is_dirty || now >= ice->due)
        advance(ice, now);
    if (m->method != KITH_STUN_BINDING) {
        ice->counters.malformed++;
        return false;
    }
    switch (m->class) {
    case KITH_STUN_REQUEST:
        is_authentic = kith_ice_handle_request(ice, now, path, m);
        break;
    case KITH_STUN_SUCCESS:
    case KITH_STUN_ERROR:
        is_authentic = kith_ice_gather_response(ice, now, path, m) ||
                       kith_ice_handle_response(ice, now, path, m);
        break;
    case KITH_STUN_INDICATION: /* a keep-alive: it has done its work on the way (RFC 8445 section
                                  11) */
        break;
    }
    if (is_authentic)
        advance(ice, now);
    return is_authentic;
}

size_t kith_ice_output(kith_ice *ice, kith_time now, kith_path *path, uint8_t *buf, size_t cap)
{
    if (!ice->is_dirty && ice->response_count == 0 && now < ice->due)
        return 0;
    advance(ice, now);
    kith_writer w = kith_wr(buf, cap);
    bool is_written =
        kith_ice_output_response(ice, path, &w) || kith_ice_output_check(ice, now, path, &w) ||
        kith_ice_output_consent(ice, now, path, &w) || kith_ice_output_search(ice, now, path, &w) ||
        kith_ice_output_improve(ice, now, path, &w) || kith_ice_output_gather(ice, now, path, &w);
    ice->due = next_due(ice, now);
    return is_written && !w.bad ? w.len : 0;
}

kith_time kith_ice_deadline(const kith_ice *ice)
{
    return ice->is_dirty || ice->response_count > 0 ? 0 : ice->due;
}

void kith_ice_tick(kith_ice *ice, kith_time now)
{
    if (ice->is_dirty || now >= ice->due)
        advance(ice, now);
}

/* The newest generation's first: an older one may have a pair on the same path. */
static kith_ice_pair *find_pair_of_any(const kith_ice *ice, const kith_path *path)
{
    kith_ice_pair *pair = NULL;
    for (const kith_ice_generation *g = ice->newest; g && !pair; g = g->previous)
        pair = kith_ice_find_pair(g, path);
    return pair;
}

static kith_ice_pair *find_carrier(const kith_ice *ice, const kith_path *path)
{
    if (ice->send_pair && kith_path_equal(&ice->send_pair->path, path))
        return ice->send_pair;
    return find_pair_of_any(ice, path);
}

static void count(kith_ice_traffic *traffic, kith_time now, size_t len)
{
    traffic->packets++;
    traffic->bytes += len;
    traffic->last_at = now;
}

void kith_ice_count_sent(kith_ice *ice, kith_time now, size_t len)
{
    if (ice->send_pair)
        count(&ice->send_pair->sent, now, len);
}

void kith_ice_count_received(kith_ice *ice, kith_time now, const kith_path *path, size_t len)
{
    kith_ice_pair *pair = find_carrier(ice, path);
    if (pair)
        count(&pair->received, now, len);
}

void kith_ice_note_received(kith_ice *ice, kith_time now, const kith_path *path)
{
    kith_ice_pair *pair = find_carrier(ice, path);
    if (!pair || !pair->is_authenticated)
        return;
    kith_ice_heard(pair, now);
    pair->data_heard_at = now;
    /* Data comes where the peer sends it: it may have left the pair that we send on. Of another
     * generation it has not come to ours yet, or not stayed. */
    if (ice->send_pair && pair != ice->send_pair && pair->generation == ice->send_pair->generation)
        kith_ice_suspect_send_pair(ice, now);
    if (ice->state == KITH_ICE_DISCONNECTED)
        ice->is_dirty = true;
}

/* A refused path is tried again, for its owner may leave it; one that was but something to fall
 * back on as often as any such. */
#define REFUSED_AGAIN KITH_SECONDS(1)

static kith_time refused_again_after(const kith_ice_generation *g)
{
    return g->selected ? KITH_ICE_KEEPALIVE : REFUSED_AGAIN;
}

void kith_ice_path_refused(kith_ice *ice, kith_time now, const kith_path *path)
{
    kith_ice_drop_responses_on(ice, path);
    for (kith_ice_generation *g = ice->newest; g; g = g->previous) {
        kith_ice_pair *pair = kith_ice_find_pair(g, path);
        if (!pair)
            continue;
        kith_ice_fail_pair(ice, pair, "its packets belong to another peer");
        pair->again_at = now + refused_again_after(g);
        /* What was valid for this packet only does not count as a connection that was lost. */
        if (g->first_valid_at == now && !kith_ice_best_valid(g))
            g->first_valid_at = 0;
    }
    advance(ice, now);
}

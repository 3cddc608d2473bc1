/* What the owner of the agent gets to know: events, each a flag on the thing it is about, so that
 * none needs memory and none is lost; and the answers to its questions. */
#include "ice/events.h"

#include <string.h>

#include "ice/consent.h"
#include "ice/pairs.h"

/* Only a peer that connects and vanishes faster than anyone looks fills this; the newest states
 * count. */
void kith_ice_tell_state(kith_ice *ice, kith_ice_state state)
{
    if (ice->state_count == KITH_ICE_STATES)
        memmove(ice->states, ice->states + 1, --ice->state_count * sizeof ice->states[0]);
    ice->states[ice->state_count++] = state;
    ice->has_events = true;
}

static bool take(bool *is_pending)
{
    bool was = *is_pending;
    *is_pending = false;
    return was;
}

static bool next_gone(kith_ice *ice, kith_ice_event *ev)
{
    ev->type = KITH_ICE_EV_PATH_GONE;
    kith_list_node *node = kith_list_take(&ice->gone);
    if (node) {
        kith_ice_pair *removed = KITH_OWNER(node, kith_ice_pair, node);
        ev->path = removed->path;
        ev->pair_id = removed->id;
        kith_free(removed);
        return true;
    }
    for (kith_ice_generation *g = ice->newest; g; g = g->previous)
        KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
            if (take(&pair->is_gone_pending)) {
                ev->path = pair->path;
                ev->pair_id = pair->id;
                return true;
            }
    return false;
}

static bool next_connect(kith_ice *ice, kith_ice_event *ev)
{
    KITH_ICE_EACH(&ice->newest->pairs, kith_ice_pair, pair)
        if (take(&pair->is_connect_pending)) {
            ev->type = KITH_ICE_EV_CONNECT;
            ev->path = pair->path;
            ev->path.local.port = 0;
            ev->pair_id = pair->id;
            return true;
        }
    return false;
}

static bool next_authenticated(kith_ice *ice, kith_ice_event *ev)
{
    for (kith_ice_generation *g = ice->newest; g; g = g->previous)
        KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
            if (take(&pair->is_authenticated_pending)) {
                ev->type = KITH_ICE_EV_AUTHENTICATED;
                ev->path = pair->path;
                return true;
            }
    return false;
}

static bool next_selected(kith_ice *ice, kith_ice_event *ev)
{
    ev->type = KITH_ICE_EV_SELECTED;
    return take(&ice->is_selected_pending) && kith_ice_send_path(ice, &ev->path);
}

static const char *url_of(const kith_ice_local *local)
{
    if (local->server)
        return local->server->url;
    return local->candidate.type == KITH_CANDIDATE_RELAY ? local->base->relay_url : NULL;
}

/* The best first. */
static bool next_candidate(kith_ice *ice, kith_ice_event *ev)
{
    kith_ice_local *best = NULL;
    KITH_ICE_EACH(&ice->newest->locals, kith_ice_local, local)
        if (local->is_pending && (!best || local->candidate.priority > best->candidate.priority))
            best = local;
    if (!best)
        return false;
    best->is_pending = false;
    ev->type = KITH_ICE_EV_CANDIDATE;
    ev->candidate = best->candidate;
    ev->candidate_id = best->id;
    ev->url = url_of(best);
    return true;
}

static bool next_candidate_error(kith_ice *ice, kith_ice_event *ev)
{
    KITH_ICE_EACH(&ice->newest->gathers, kith_ice_gather, gather)
        if (take(&gather->is_error_pending)) {
            ev->type = KITH_ICE_EV_CANDIDATE_ERROR;
            ev->url = gather->server->url;
            ev->error_code = gather->error_code;
            ev->error_text = gather->error_text;
            ev->address = gather->base->address;
            return true;
        }
    return false;
}

static bool next_gathered(kith_ice *ice, kith_ice_event *ev)
{
    ev->type = KITH_ICE_EV_GATHERED;
    return take(&ice->newest->is_gathered_pending);
}

static bool next_state(kith_ice *ice, kith_ice_event *ev)
{
    if (ice->state_count == 0)
        return false;
    ev->type = KITH_ICE_EV_STATE;
    ev->state = ice->states[0];
    memmove(ice->states, ice->states + 1, --ice->state_count * sizeof ice->states[0]);
    return true;
}

/* In this order a state comes after what made it true. */
bool kith_ice_event_next(kith_ice *ice, kith_ice_event *ev)
{
    static bool (*const kinds[])(kith_ice *, kith_ice_event *) = {
        next_gone,      next_connect,         next_authenticated, next_selected,
        next_candidate, next_candidate_error, next_gathered,      next_state,
    };
    if (!ice->has_events)
        return false;
    memset(ev, 0, sizeof *ev);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i](ice, ev))
            return true;
    ice->has_events = false;
    return false;
}

void kith_ice_event_again(kith_ice *ice, const kith_ice_event *ev)
{
    ice->has_events = true;
    if (ev->type == KITH_ICE_EV_GATHERED)
        ice->newest->is_gathered_pending = true;
    else
        KITH_ICE_EACH(&ice->newest->locals, kith_ice_local, local)
            if (local->id == ev->candidate_id)
                local->is_pending = true;
}

/* ---- questions ---- */

kith_ice_state kith_ice_get_state(const kith_ice *ice)
{
    return ice->state;
}

bool kith_ice_is_gathered(const kith_ice *ice)
{
    return ice->newest->is_gathered;
}

bool kith_ice_send_path(const kith_ice *ice, kith_path *path)
{
    if (!ice->send_pair)
        return false;
    *path = ice->send_pair->path;
    return true;
}

bool kith_ice_is_restarting(const kith_ice *ice)
{
    return ice->send_pair && ice->send_pair->generation != ice->newest;
}

bool kith_ice_is_lost(const kith_ice *ice)
{
    return !ice->send_pair && ice->newest->first_valid_at != 0;
}

static bool generation_has_path(const kith_ice_generation *g, const kith_path *path)
{
    const kith_ice_pair *pair = kith_ice_find_pair(g, path);
    return pair && pair->is_authenticated && !g->is_failed;
}

bool kith_ice_has_path(const kith_ice *ice, const kith_path *path)
{
    for (const kith_ice_generation *g = ice->newest; g; g = g->previous)
        if (generation_has_path(g, path))
            return true;
    return false;
}

bool kith_ice_is_current_path(const kith_ice *ice, const kith_path *path)
{
    return generation_has_path(ice->newest, path);
}

static bool is_used(const kith_ice *ice, const kith_ice_pair *pair, kith_time now)
{
    if (!pair->is_authenticated || pair->generation->is_failed)
        return false;
    if (pair == ice->send_pair)
        return !kith_ice_is_silent(pair, now);
    kith_time last = pair->generation->selected ? pair->data_heard_at : pair->heard_at;
    return now - last < KITH_ICE_SILENCE;
}

bool kith_ice_uses_path(const kith_ice *ice, kith_time now, const kith_path *path)
{
    for (const kith_ice_generation *g = ice->newest; g; g = g->previous) {
        const kith_ice_pair *pair = kith_ice_find_pair(g, path);
        if (pair && is_used(ice, pair, now))
            return true;
    }
    return false;
}

kith_time kith_ice_rtt(const kith_ice *ice)
{
    return ice->send_pair ? ice->send_pair->smoothed_rtt : 0;
}

static void describe_pair(const kith_ice *ice, const kith_ice_pair *pair, kith_ice_pair_info *info)
{
    static const char *const states[] = {"frozen", "waiting", "in-progress", "succeeded", "failed"};
    *info = (kith_ice_pair_info){
        .id = pair->id,
        .state = states[pair->state],
        .nominated = pair->is_nominated,
        .selected = pair == ice->send_pair,
        .priority = pair->priority,
        .local_id = pair->local->id,
        .remote_id = pair->remote->id,
        .requests_sent = pair->requests_sent,
        .requests_received = pair->requests_received,
        .responses_sent = pair->responses_sent,
        .responses_received = pair->responses_received,
        .consent_requests_sent = pair->consent_requests_sent,
        .current_rtt = pair->rtt,
        .total_rtt = pair->total_rtt,
        .sent = pair->sent,
        .received = pair->received,
        .path = pair->path,
        .why_failed = pair->state == KITH_ICE_PAIR_FAILED ? pair->why_failed : NULL,
    };
}

bool kith_ice_server_at(const kith_ice *ice, size_t index, kith_ice_server_info *info)
{
    KITH_ICE_EACH(&ice->newest->servers, kith_ice_server, server) {
        if (index-- > 0)
            continue;
        *info = (kith_ice_server_info){.url = server->url};
        KITH_ICE_EACH(&ice->newest->gathers, kith_ice_gather, gather) {
            if (gather->server != server)
                continue;
            info->has_answered |= gather->state == KITH_ICE_GATHER_SUCCEEDED;
            info->error_text = gather->error_text ? gather->error_text : info->error_text;
        }
        return true;
    }
    return false;
}

bool kith_ice_pair_at(const kith_ice *ice, size_t index, kith_ice_pair_info *info)
{
    for (const kith_ice_generation *g = ice->newest; g; g = g->previous) {
        if (index >= g->pair_count) {
            index -= g->pair_count;
            continue;
        }
        KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
            if (index-- == 0) {
                describe_pair(ice, pair, info);
                return true;
            }
    }
    return false;
}

bool kith_ice_candidate_at(const kith_ice *ice, size_t index, kith_ice_candidate_info *info)
{
    for (const kith_ice_generation *g = ice->newest; g; g = g->previous) {
        KITH_ICE_EACH(&g->locals, kith_ice_local, local)
            if (index-- == 0) {
                *info = (kith_ice_candidate_info){local->id, false, &local->candidate,
                                                  url_of(local), local->base->transport};
                return true;
            }
        KITH_ICE_EACH(&g->remotes, kith_ice_remote, remote)
            if (index-- == 0) {
                *info = (kith_ice_candidate_info){remote->id, true, &remote->candidate};
                return true;
            }
    }
    return false;
}

unsigned kith_ice_selected_pair_changes(const kith_ice *ice)
{
    return ice->selected_pair_changes;
}

const kith_ice_counters *kith_ice_get_counters(const kith_ice *ice)
{
    return &ice->counters;
}

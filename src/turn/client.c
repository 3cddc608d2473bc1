/* The client as a whole: its life, its states, and the five verbs that lead into the other files.
 * The states are
 *
 *     ASKING -> ALLOCATED -> RELEASING -> RELEASED
 *
 * with FAILED, PORTLESS (437 to Allocate, a connection that ended) and RENEWING (Refresh 0 before
 * another Allocate) beside them; what is lost goes back to ASKING. */
#include "turn/client.h"

#include "base/error.h"
#include "base/memory.h"

/* A server that drops allocations as fast as it gives them is not asked faster than this. */
#define ASK_INTERVAL KITH_SECONDS(5)
/* NATs forget in 30 s. */
#define KEEPALIVE KITH_SECONDS(25)

kith_err kith_turn_set_credentials(kith_turn *turn, const char *username, const char *credential)
{
    char *name = kith_strdup(username), *secret = kith_strdup(credential);
    if (!name || !secret) {
        kith_free(name);
        kith_free_secret(secret);
        return kith_fail_memory();
    }
    kith_free(turn->username);
    kith_free_secret(turn->credential);
    turn->username = name;
    turn->credential = secret;
    return KITH_OK;
}

kith_err kith_turn_new(kith_turn **out, const kith_turn_config *config)
{
    kith_turn *turn = kith_alloc_zero(1, sizeof *turn);
    if (!turn)
        return kith_fail_memory();
    turn->tag = config->transaction_tag;
    turn->is_reliable = config->is_reliable;
    turn->log = config->log;
    turn->server = config->server;
    turn->next_number = 0x4000;
    kith_list_init(&turn->permissions);
    kith_list_init(&turn->channels);
    kith_err err = kith_turn_set_credentials(turn, config->username, config->credential);
    if (err == KITH_OK && !kith_turn_auth_reset(&turn->auth, turn->username, turn->credential))
        err = kith_fail_memory();
    if (err != KITH_OK) {
        kith_turn_free(turn);
        return err;
    }
    turn->visited[turn->visited_count++] = turn->server;
    kith_turn_ask(turn, 0);
    *out = turn;
    return KITH_OK;
}

void kith_turn_free(kith_turn *turn)
{
    if (!turn)
        return;
    kith_turn_free_peers(turn);
    kith_turn_auth_deinit(&turn->auth);
    kith_free(turn->username);
    kith_free_secret(turn->credential);
    kith_free(turn);
}

/* ---- states ---- */

/* Without memory the credentials are those of before: the server says so if they are not right. */
void kith_turn_ask(kith_turn *turn, kith_time now)
{
    if (!kith_turn_auth_reset(&turn->auth, turn->username, turn->credential))
        KITH_LOG(turn->log, ERROR, "turn: out of memory: the credentials stay those of before");
    turn->state = KITH_TURN_ASKING;
    turn->wants_additional_family = turn->may_retry_family = true;
    turn->wants_ipv6_only = false;
    kith_turn_begin(&turn->request, now);
}

static void end_allocation(kith_turn *turn, const char *why)
{
    KITH_LOG(turn->log, INFO, "turn: the allocation is lost: %s", why);
    turn->is_lost_pending |= turn->is_told;
    turn->is_told = turn->is_allocated_pending = false;
    turn->relayed_count = 0;
    kith_turn_forget_channels(turn);
}

/* The first loss is made good at once. */
void kith_turn_ask_after_loss(kith_turn *turn, kith_time now)
{
    kith_time at = now > turn->ask_at ? now : turn->ask_at;
    turn->ask_at = at + ASK_INTERVAL;
    kith_turn_ask(turn, at);
}

void kith_turn_lose(kith_turn *turn, kith_time now, const char *why)
{
    end_allocation(turn, why);
    kith_turn_ask_after_loss(turn, now);
}

void kith_turn_renew(kith_turn *turn, kith_time now)
{
    end_allocation(turn, "a channel binding that was right was refused");
    turn->state = KITH_TURN_RENEWING;
    kith_turn_begin(&turn->request, now);
}

void kith_turn_fail(kith_turn *turn, const kith_turn_error *error, kith_time retry_at)
{
    KITH_LOG(turn->log, INFO, "turn: failed: %d %s", error->code, error->reason);
    turn->error = *error;
    turn->retry_at = retry_at;
    turn->state = KITH_TURN_FAILED;
    turn->request.is_active = false;
    turn->is_failed_pending = true;
}

void kith_turn_port_changed(kith_turn *turn)
{
    if (turn->state == KITH_TURN_PORTLESS)
        kith_turn_ask(turn, 0);
}

static void await_port(kith_turn *turn, const char *why)
{
    if (turn->state == KITH_TURN_ALLOCATED)
        end_allocation(turn, why);
    turn->state = KITH_TURN_PORTLESS;
    turn->request.is_active = false;
}

void kith_turn_change_port(kith_turn *turn, const char *why)
{
    await_port(turn, why);
    turn->is_port_pending = true;
}

void kith_turn_disconnected(kith_turn *turn)
{
    if (turn->state < KITH_TURN_RELEASING)
        await_port(turn, "its connection ended");
    turn->is_port_pending = false;
}

void kith_turn_refresh(kith_turn *turn)
{
    if (turn->state != KITH_TURN_ALLOCATED)
        return;
    turn->is_refresh_told = true;
    if (!turn->request.is_active)
        kith_turn_begin(&turn->request, 0);
}

void kith_turn_release(kith_turn *turn)
{
    if (turn->state >= KITH_TURN_RELEASING)
        return;
    bool may_exist = kith_turn_auth_is_ready(&turn->auth) && turn->state != KITH_TURN_PORTLESS;
    turn->state = may_exist ? KITH_TURN_RELEASING : KITH_TURN_RELEASED;
    kith_turn_begin(&turn->request, 0);
    turn->request.is_active = may_exist;
    /* A peer that takes its leave asks for its last packets once and then is gone. */
    turn->paced_until = 0;
}

/* ---- the five verbs; data is peers.c's ---- */

size_t kith_turn_output(kith_turn *turn, kith_time now, uint8_t *buf, size_t cap)
{
    static const kith_turn_error too_long = {0, "the server's realm and nonce leave no room"};
    kith_writer w = kith_wr(buf, cap);
    bool is_written = kith_turn_output_held(turn, &w) || kith_turn_output_request(turn, now, &w);
    if (!is_written && turn->state == KITH_TURN_ALLOCATED && now >= turn->sent_at + KEEPALIVE) {
        kith_turn_write_keepalive(turn, &w);
        is_written = true;
    }
    if (!is_written)
        return 0;
    turn->sent_at = now;
    if (turn->state == KITH_TURN_RELEASING) {
        turn->state = KITH_TURN_RELEASED;
        turn->request.is_active = false;
    } else if (w.bad) {
        kith_turn_fail(turn, &too_long, KITH_NEVER);
    }
    return w.bad ? 0 : w.len;
}

kith_time kith_turn_deadline(const kith_turn *turn)
{
    if (kith_turn_has_held(turn))
        return 0;
    kith_time due = kith_turn_requests_due(turn);
    if (turn->state != KITH_TURN_ALLOCATED)
        return due;
    due = kith_turn_earlier(due, kith_turn_peers_due(turn));
    due = kith_turn_earlier(due, turn->expires_at);
    due = kith_turn_earlier(due, turn->sent_at + KEEPALIVE);
    return turn->request.is_active ? due : kith_turn_earlier(due, turn->refresh_at);
}

void kith_turn_tick(kith_turn *turn, kith_time now)
{
    if (turn->state == KITH_TURN_ALLOCATED) {
        if (now >= turn->expires_at)
            kith_turn_lose(turn, now, "its lifetime is over");
        else if (now >= turn->refresh_at && !turn->request.is_active)
            kith_turn_begin(&turn->request, now);
    }
    kith_turn_requests_tick(turn, now);
    if (turn->state == KITH_TURN_ALLOCATED)
        kith_turn_peers_tick(turn, now);
}

/* ---- events ---- */

static bool take(bool *is_pending)
{
    bool was = *is_pending;
    *is_pending = false;
    return was;
}

static bool next_refused(kith_turn *turn, kith_turn_event *ev)
{
    KITH_TURN_EACH(&turn->permissions, kith_turn_permission, permission)
    if (take(&permission->is_refused_pending)) {
        ev->type = KITH_TURN_EV_REFUSED;
        ev->peer = permission->peer;
        ev->error_code = permission->error.code;
        ev->error_text = permission->error.reason;
        return true;
    }
    return false;
}

static bool next_icmp(kith_turn *turn, kith_turn_event *ev)
{
    if (!take(&turn->is_icmp_pending))
        return false;
    ev->type = KITH_TURN_EV_ICMP;
    ev->peer = turn->icmp_peer;
    ev->icmp = turn->icmp;
    return true;
}

bool kith_turn_event_next(kith_turn *turn, kith_turn_event *ev)
{
    memset(ev, 0, sizeof *ev);
    if (take(&turn->is_lost_pending)) {
        ev->type = KITH_TURN_EV_LOST;
        return true;
    }
    if (take(&turn->is_allocated_pending)) {
        turn->is_told = true;
        ev->type = KITH_TURN_EV_ALLOCATED;
        memcpy(ev->relayed, turn->relayed, sizeof ev->relayed);
        ev->relayed_count = turn->relayed_count;
        ev->mapped = turn->mapped;
        return true;
    }
    if (take(&turn->is_failed_pending)) {
        ev->type = KITH_TURN_EV_FAILED;
        ev->error_code = turn->error.code;
        ev->error_text = turn->error.reason;
        ev->retry_at = turn->retry_at;
        return true;
    }
    if (take(&turn->is_port_pending)) {
        ev->type = KITH_TURN_EV_OTHER_PORT;
        return true;
    }
    return next_refused(turn, ev) || next_icmp(turn, ev);
}

/* ---- questions ---- */

const kith_address *kith_turn_server(const kith_turn *turn)
{
    return &turn->server;
}

const char *kith_turn_server_name(const kith_turn *turn)
{
    return turn->server_name[0] != '\0' ? turn->server_name : NULL;
}

bool kith_turn_is_allocated(const kith_turn *turn)
{
    return turn->state == KITH_TURN_ALLOCATED;
}

bool kith_turn_is_over(const kith_turn *turn)
{
    return turn->state == KITH_TURN_RELEASED || turn->state == KITH_TURN_FAILED;
}

const kith_turn_counters *kith_turn_get_counters(const kith_turn *turn)
{
    return &turn->counters;
}

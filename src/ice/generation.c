/* Generations: credentials on both sides, ICE restarts of ours and of the peer's, and their undoing
 * (RFC 8445 section 9, RFC 8839 section 4.4.3). The newest checks; the ones before serve until it
 * has a selected pair. */
#include "ice/generation.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "ice/answers.h"
#include "ice/candidates.h"
#include "ice/pairs.h"

/* RFC 8839 section 5.4: at least 4 and 22 characters. Shorter ones are seen in the wild and hurt
 * only their owner; empty ones would match nothing. */
static bool is_credential(const char *text, size_t max)
{
    size_t len = text ? strlen(text) : 0;
    return len > 0 && len <= max;
}

kith_ice_generation *kith_ice_new_generation(const char *ufrag, const char *pwd)
{
    kith_ice_generation *g = kith_alloc_zero(1, sizeof *g);
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_text(pwd));
    if (!g || !hmac) {
        kith_hmac_free(hmac);
        kith_free(g);
        return NULL;
    }
    memcpy(g->ufrag, ufrag, sizeof g->ufrag);
    memcpy(g->pwd, pwd, sizeof g->pwd);
    g->local_hmac = hmac;
    kith_list_init(&g->bases);
    kith_list_init(&g->locals);
    kith_list_init(&g->remotes);
    kith_list_init(&g->pairs);
    kith_list_init(&g->triggered);
    kith_list_init(&g->servers);
    kith_list_init(&g->gathers);
    return g;
}

static void free_secret(char *text)
{
    if (text)
        kith_wipe(text, strlen(text));
    kith_free(text);
}

void kith_ice_free_generation(kith_ice *ice, kith_ice_generation *g)
{
    kith_ice_drop_responses(ice, g);
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        kith_ice_remove_pair(ice, pair);
    KITH_ICE_EACH(&g->gathers, kith_ice_gather, gather)
        kith_free(gather);
    KITH_ICE_EACH(&g->servers, kith_ice_server, server) {
        kith_free(server->url);
        kith_free(server);
    }
    KITH_ICE_EACH(&g->locals, kith_ice_local, local)
        kith_free(local);
    KITH_ICE_EACH(&g->remotes, kith_ice_remote, remote)
        kith_free(remote);
    KITH_ICE_EACH(&g->bases, kith_ice_base, base)
        kith_ice_free_base(base);
    kith_hmac_free(g->local_hmac);
    kith_hmac_free(g->remote_hmac);
    kith_free(g->remote_ufrag);
    free_secret(g->remote_pwd);
    kith_wipe(g->pwd, sizeof g->pwd);
    kith_free(g);
}

void kith_ice_forget_previous(kith_ice *ice)
{
    kith_ice_generation *g = ice->newest->previous;
    ice->newest->previous = NULL;
    while (g) {
        kith_ice_generation *previous = g->previous;
        kith_ice_free_generation(ice, g);
        g = previous;
    }
}

/* A peer whose nominated pair is another than ours, for it forgot ours or has not seen it yet, goes
 * on with the old one: answers and data there are needed until it is heard on the new one only
 * (RFC 8445 section 9). Without checks of ours the old consent runs out, so this has an end. */
#define RETIRE_AFTER KITH_SECONDS(10)

static kith_time last_heard(const kith_ice_generation *g)
{
    kith_time last = 0;
    for (; g; g = g->previous)
        KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
            if (pair->state == KITH_ICE_PAIR_SUCCEEDED)
                last = kith_ice_later(last, pair->heard_at);
    return last;
}

void kith_ice_retire_previous(kith_ice *ice, kith_time now)
{
    ice->retire_at = now + RETIRE_AFTER;
}

kith_time kith_ice_retire_due(const kith_ice *ice)
{
    return ice->newest->previous && ice->newest->selected ? ice->retire_at : KITH_NEVER;
}

void kith_ice_retire_tick(kith_ice *ice, kith_time now)
{
    if (now < kith_ice_retire_due(ice))
        return;
    ice->retire_at = last_heard(ice->newest->previous) + RETIRE_AFTER;
    if (now >= ice->retire_at)
        kith_ice_forget_previous(ice);
}

/* Behind the newest stay the one before, to which a rollback returns, and the one that serves. */
static void trim_chain(kith_ice *ice)
{
    kith_ice_generation *last = ice->newest->previous;
    bool is_serving = last && last->selected;
    while (last && last->previous) {
        kith_ice_generation *g = last->previous;
        if (g->selected && !is_serving) {
            is_serving = true;
            last = g;
            continue;
        }
        last->previous = g->previous;
        kith_ice_free_generation(ice, g);
    }
}

static void push_generation(kith_ice *ice, kith_ice_generation *g)
{
    g->previous = ice->newest;
    ice->newest = g;
    trim_chain(ice);
    ice->is_dirty = true;
}

/* ---- local credentials ---- */

const char *kith_ice_local_ufrag(const kith_ice *ice)
{
    return ice->newest->ufrag;
}

const char *kith_ice_local_pwd(const kith_ice *ice)
{
    return ice->newest->pwd;
}

/* ---- the ufrag: the tag, six bits a character and the lowest first, then random ones ---- */

/* ice-char of RFC 8839 section 5.4. */
static const char ice_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool kith_ice_tag_of_ufrag(kith_span ufrag, uint32_t *tag)
{
    uint64_t bits = 0;
    if (ufrag.len != KITH_ICE_UFRAG_LEN)
        return false;
    for (unsigned i = 0; i < KITH_ICE_UFRAG_TAG; i++) {
        const char *found = memchr(ice_chars, ufrag.data[i], sizeof ice_chars - 1);
        if (!found)
            return false;
        bits |= (uint64_t)(found - ice_chars) << 6 * i;
    }
    *tag = (uint32_t)bits;
    return bits == *tag;
}

static bool is_in_use(const kith_ice *ice, const char *ufrag)
{
    for (const kith_ice_generation *g = ice->newest; g; g = g->previous)
        if (strcmp(ufrag, g->ufrag) == 0)
            return true;
    return false;
}

static void make_ufrag(const kith_ice *ice, char out[KITH_ICE_UFRAG_LEN + 1])
{
    for (unsigned i = 0; i < KITH_ICE_UFRAG_TAG; i++)
        out[i] = ice_chars[(uint64_t)ice->tag >> 6 * i & 63];
    do
        kith_random_text(out + KITH_ICE_UFRAG_TAG, KITH_ICE_UFRAG_LEN - KITH_ICE_UFRAG_TAG);
    while (is_in_use(ice, out));
}

static void make_next(kith_ice *ice)
{
    if (ice->next_ufrag[0] != '\0')
        return;
    make_ufrag(ice, ice->next_ufrag);
    kith_random_text(ice->next_pwd, KITH_ICE_PWD_LEN);
}

void kith_ice_set_next(kith_ice *ice, const char *ufrag, const char *pwd)
{
    assert(strlen(ufrag) == KITH_ICE_UFRAG_LEN && strlen(pwd) == KITH_ICE_PWD_LEN);
    memcpy(ice->next_ufrag, ufrag, KITH_ICE_UFRAG_LEN + 1);
    memcpy(ice->next_pwd, pwd, KITH_ICE_PWD_LEN + 1);
}

const char *kith_ice_next_ufrag(kith_ice *ice)
{
    make_next(ice);
    return ice->next_ufrag;
}

const char *kith_ice_next_pwd(kith_ice *ice)
{
    make_next(ice);
    return ice->next_pwd;
}

/* ---- remote credentials ---- */

static kith_err install_remote(kith_ice_generation *g, const char *ufrag, const char *pwd,
                               bool is_lite)
{
    char *ufrag_copy = kith_strdup(ufrag), *pwd_copy = kith_strdup(pwd);
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_text(pwd));
    if (!ufrag_copy || !pwd_copy || !hmac) {
        kith_free(ufrag_copy);
        free_secret(pwd_copy);
        kith_hmac_free(hmac);
        return kith_fail_memory();
    }
    g->remote_ufrag = ufrag_copy;
    g->remote_pwd = pwd_copy;
    g->remote_hmac = hmac;
    g->has_remote = true;
    g->is_remote_lite = is_lite;
    return KITH_OK;
}

/* Checks came before the credentials: those that named other ones were of another generation. */
static void drop_strangers(kith_ice *ice, kith_ice_generation *g)
{
    KITH_ICE_EACH(&g->remotes, kith_ice_remote, remote)
        if (remote->candidate.ufrag[0] != '\0' &&
            strcmp(remote->candidate.ufrag, g->remote_ufrag) != 0)
            kith_ice_remove_remote(ice, g, remote);
}

/* The sockets of the generation before, without telling their candidates again: they have been
 * told. */
static void keep_sockets(kith_ice *ice, kith_ice_generation *g, const kith_ice_generation *old)
{
    KITH_ICE_EACH(&old->bases, kith_ice_base, base)
        if (!base->is_gone && kith_ice_add_base(ice, g, base) != KITH_OK)
            KITH_LOG(ice->log, WARNING, "ice: a local address was left out of the restart");
    KITH_ICE_EACH(&g->locals, kith_ice_local, local)
        local->is_pending = false;
    g->is_local_ended = old->is_local_ended;
    g->is_gathered = old->is_gathered;
}

/* The peer restarted, we have not (yet): our credentials and sockets stay, everything of the peer's
 * is new. */
static kith_err follow_restart(kith_ice *ice, const char *ufrag, const char *pwd, bool is_lite)
{
    kith_ice_generation *old = ice->newest;
    kith_ice_generation *g = kith_ice_new_generation(old->ufrag, old->pwd);
    if (!g)
        return kith_fail_memory();
    kith_err err = install_remote(g, ufrag, pwd, is_lite);
    if (err != KITH_OK) {
        kith_ice_free_generation(ice, g);
        return err;
    }
    g->is_remote_newest = true;
    g->relay_only = old->relay_only;
    keep_sockets(ice, g, old);
    push_generation(ice, g);
    return KITH_OK;
}

kith_err kith_ice_set_remote(kith_ice *ice, const char *ufrag, const char *pwd, bool is_lite)
{
    kith_ice_generation *g = ice->newest;
    kith_err err = KITH_OK;
    if (!is_credential(ufrag, KITH_UFRAG_MAX) || !is_credential(pwd, KITH_PWD_MAX))
        return kith_fail(KITH_ERR_RANGE, "ICE credentials are missing or too long");
    if (!g->has_remote) {
        err = install_remote(g, ufrag, pwd, is_lite);
        if (err == KITH_OK)
            drop_strangers(ice, g);
    } else if (strcmp(ufrag, g->remote_ufrag) != 0 || strcmp(pwd, g->remote_pwd) != 0) {
        err = follow_restart(ice, ufrag, pwd, is_lite);
    }
    if (err != KITH_OK)
        return err;
    ice->newest->is_remote_lite = is_lite;
    kith_ice_set_role(ice, ice->role); /* a lite peer makes us controlling */
    ice->is_dirty = true;
    return KITH_OK;
}

/* ---- restart ---- */

/* The peer's restart was heard before we made ours: its credentials and candidates are for this
 * generation. */
static kith_err inherit_remote(kith_ice *ice, kith_ice_generation *to,
                               const kith_ice_generation *from)
{
    kith_err err = install_remote(to, from->remote_ufrag, from->remote_pwd, from->is_remote_lite);
    if (err == KITH_OK)
        err = kith_ice_copy_remotes(ice, to, from);
    to->is_remote_ended = from->is_remote_ended;
    to->pending_names = from->pending_names;
    return err;
}

kith_err kith_ice_restart(kith_ice *ice)
{
    kith_ice_generation *old = ice->newest;
    make_next(ice);
    kith_ice_generation *g = kith_ice_new_generation(ice->next_ufrag, ice->next_pwd);
    if (!g)
        return kith_fail_memory();
    g->is_restarted = true;
    g->relay_only = ice->relay_only;
    if (old->is_remote_newest) {
        kith_err err = inherit_remote(ice, g, old);
        if (err != KITH_OK) {
            kith_ice_free_generation(ice, g);
            return err;
        }
    }
    push_generation(ice, g);
    if (old->is_remote_newest && !old->selected) {
        g->previous = old->previous;
        kith_ice_free_generation(ice, old);
    }
    kith_wipe(ice->next_ufrag, sizeof ice->next_ufrag);
    kith_wipe(ice->next_pwd, sizeof ice->next_pwd);
    return KITH_OK;
}

/* Only what was not agreed on by both sides can be taken back. */
void kith_ice_rollback_restart(kith_ice *ice)
{
    kith_ice_generation *g = ice->newest;
    bool is_agreed = g->is_restarted && g->has_remote;
    if (!g->previous || g->selected || is_agreed)
        return;
    ice->newest = g->previous;
    kith_ice_set_next(ice, g->ufrag, g->pwd);
    kith_ice_free_generation(ice, g);
    ice->is_dirty = true;
}

/* One transport: what is made when, and from which parts of the descriptions. */
#include "pc/transport.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "pc/endpoint.h"
#include "pc/pc.h"
#include "pc/relays.h"
#include "pc/streams.h"

/* DTLS datagrams that wait for the remote description: some flights of a ClientHello in two
 * datagrams. */
#define EARLY_LIMIT ((size_t)16 * 1024)

/* before: whose credentials it shall have, or NULL. */
static kith_err new_ice(kith_transport *t, const kith_ice *before)
{
    kith_ice_config config = {
        .transaction_tag = t->tag,
        .ufrag = before ? kith_ice_local_ufrag(before) : NULL,
        .pwd = before ? kith_ice_local_pwd(before) : NULL,
        .relay_only = t->pc->config.ice_transport_policy == KITH_ICE_TRANSPORT_POLICY_RELAY,
        .log = &t->pc->log,
    };
    return kith_ice_new(&t->ice, &config);
}

kith_err kith_transport_new(kith_transport **out, kith_pc *pc)
{
    kith_transport *t = kith_alloc_zero(1, sizeof *t);
    if (!t)
        return kith_fail_memory();
    t->pc = pc;
    kith_ring_init(&t->early, EARLY_LIMIT);
    kith_gather_init(t);
    kith_relays_init(t);
    kith_list_init(&t->streams);
    kith_err err = kith_endpoint_add_transport(pc->ep, t);
    if (err == KITH_OK)
        err = new_ice(t, NULL);
    if (err != KITH_OK) {
        kith_transport_free(t);
        return err;
    }
    t->number = pc->transport_count++;
    kith_list_append(&pc->transports, &t->in_pc);
    *out = t;
    return KITH_OK;
}

void kith_transport_free(kith_transport *t)
{
    kith_relays_deinit(t);
    kith_streams_close(t);
    kith_gather_deinit(t);
    kith_endpoint_remove_transport(t->pc->ep, t);
    kith_sctp_free(t->sctp);
    kith_media_free(t->media);
    kith_dtls_free(t->dtls);
    kith_ice_free(t->ice);
    kith_ring_deinit(&t->early);
    kith_free(t->remote_tls_id);
    kith_list_remove(&t->in_pc);
    kith_free(t);
}

/* The last words go behind what a full connection has already: data that waits for it would be in
 * their way. */
static void drop_waiting(kith_transport *t)
{
    kith_path path;
    if (kith_ice_send_path(t->ice, &path) && kith_streams_is_full(t, &path))
        kith_sctp_drop_output(t->sctp);
}

void kith_transport_close(kith_transport *t)
{
    if (t->sctp) {
        drop_waiting(t);
        kith_sctp_abort(t->sctp);
    }
    t->closing = true; /* close_notify follows when ABORT has left: pump.c */
    /* Nothing is heard any more, and another peer may own the address. */
    kith_endpoint_remove_paths(t->pc->ep, t);
    kith_endpoint_set_ready(t->pc);
}

/* ---- for jsep ---- */

void kith_transport_gather(kith_transport *t)
{
    kith_gather_start(t);
    kith_states_update(t->pc); /* "gathering" is told before the first candidate */
    kith_endpoint_set_ready(t->pc);
}

kith_err kith_transport_restart_ice(kith_transport *t)
{
    kith_err err = kith_ice_restart(t->ice);
    if (err != KITH_OK)
        return err;
    kith_gather_reset(t);
    kith_endpoint_set_ready(t->pc);
    return KITH_OK;
}

void kith_transport_rollback(kith_transport *t, bool initial)
{
    if (!initial) {
        kith_ice_rollback_restart(t->ice);
        kith_gather_resume(t);
    } else {
        kith_ice *old = t->ice;
        /* With the same credentials: the same offer may be set once more (webrtc-pc 4.4.1.5). */
        if (new_ice(t, old) != KITH_OK) {
            t->ice = old;
            return;
        }
        kith_gather_reset(t);
        kith_streams_close(t); /* they were the old one's */
        kith_ice_free(old);
    }
    kith_endpoint_set_ready(t->pc);
}

static bool is_among(const kith_fingerprint *one, const kith_fingerprint *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (kith_fingerprint_equal(one, &all[i]))
            return true;
    return false;
}

/* A set (RFC 8122 section 5): neither order nor repetition counts. */
static bool same_fingerprints(const kith_transport *t, const kith_transport_remote *remote)
{
    for (size_t i = 0; i < t->fingerprint_count; i++)
        if (!is_among(&t->fingerprints[i], remote->fingerprints, remote->fingerprint_count))
            return false;
    for (size_t i = 0; i < remote->fingerprint_count; i++)
        if (!is_among(&remote->fingerprints[i], t->fingerprints, t->fingerprint_count))
            return false;
    return true;
}

/* Who gives no tls-id, now or before, says nothing by it: browsers give none. */
static bool has_other_tls_id(const kith_transport *t, const kith_transport_remote *remote)
{
    return t->remote_tls_id && remote->tls_id && strcmp(t->remote_tls_id, remote->tls_id) != 0;
}

/* ---- another association ---- */

static bool has_ended(const kith_dtls *dtls)
{
    return kith_dtls_get_state(dtls) >= KITH_DTLS_CLOSED;
}

bool kith_transport_is_renewed_by(const kith_transport *t, const kith_transport_remote *remote,
                                  bool restarts_ice)
{
    if (!t->dtls)
        return false;
    return !same_fingerprints(t, remote) || has_other_tls_id(t, remote) ||
           (restarts_ice && has_ended(t->dtls));
}

void kith_transport_begin_renewal(kith_transport *t, kith_association *before)
{
    *before = (kith_association){
        .dtls = t->dtls,
        .sctp = t->sctp,
        .fingerprint_count = t->fingerprint_count,
        .remote_tls_id = t->remote_tls_id,
        .has_dtls_role = t->has_dtls_role,
        .dtls_started = t->dtls_started,
        .dtls_role = t->dtls_role,
        .remote_sctp_port = t->remote_sctp_port,
        .remote_max_message_size = t->remote_max_message_size,
    };
    memcpy(before->fingerprints, t->fingerprints, sizeof t->fingerprints);
    t->dtls = NULL;
    t->sctp = NULL;
    t->fingerprint_count = 0;
    t->remote_tls_id = NULL;
    t->has_dtls_role = t->dtls_started = false;
}

static void free_association(kith_dtls *dtls, kith_sctp *sctp, char *remote_tls_id)
{
    kith_sctp_free(sctp);
    kith_dtls_free(dtls);
    kith_free(remote_tls_id);
}

void kith_transport_undo_renewal(kith_transport *t, const kith_association *before)
{
    free_association(t->dtls, t->sctp, t->remote_tls_id);
    t->dtls = before->dtls;
    t->sctp = before->sctp;
    memcpy(t->fingerprints, before->fingerprints, sizeof t->fingerprints);
    t->fingerprint_count = before->fingerprint_count;
    t->remote_tls_id = before->remote_tls_id;
    t->has_dtls_role = before->has_dtls_role;
    t->dtls_started = before->dtls_started;
    t->dtls_role = before->dtls_role;
    t->remote_sctp_port = before->remote_sctp_port;
    t->remote_max_message_size = before->remote_max_message_size;
}

/* Without ABORT or close_notify: whoever is there now could not read them. */
void kith_transport_complete_renewal(kith_transport *t, kith_association *before)
{
    KITH_LOG(&t->pc->log, INFO, "the peer began another DTLS association");
    t->has_path = false;
    kith_events_keep_messages(t->pc);
    kith_channels_sctp_replaced(t->pc, before->sctp);
    free_association(before->dtls, before->sctp, before->remote_tls_id);
    kith_media_forget_keys(t);
    kith_transceivers_tell(t->pc);
    kith_states_update(t->pc);
}

void kith_transport_forget_early(kith_transport *t)
{
    kith_ring_deinit(&t->early);
}

/* ---- the association ---- */

/* DTLS is made when both are known: whom to expect, and who begins. */
static kith_err make_dtls(kith_transport *t)
{
    if (t->dtls_started || !t->has_dtls_role || t->fingerprint_count == 0)
        return KITH_OK;
    size_t count;
    kith_certificate *const *certificates = kith_pc_certificates(t->pc, &count);
    kith_dtls_config config = {
        .certificates = certificates,
        .certificate_count = count,
        .role = t->dtls_role,
        .fingerprints = t->fingerprints,
        .fingerprint_count = t->fingerprint_count,
        .mtu = KITH_TRANSPORT_MTU,
        .log = &t->pc->log,
    };
    kith_dtls *dtls;
    kith_err err = kith_dtls_new(&dtls, &config);
    if (err != KITH_OK)
        return err;
    kith_dtls_free(t->dtls); /* a provisional answer's, not yet started */
    t->dtls = dtls;
    kith_endpoint_set_ready(t->pc);
    return KITH_OK;
}

kith_err kith_transport_set_remote(kith_transport *t, const kith_transport_remote *remote)
{
    if (remote->fingerprint_count > KITH_DTLS_MAX_FINGERPRINTS)
        return kith_fail(KITH_ERR_INVALID_ACCESS, "more than %d fingerprints",
                         KITH_DTLS_MAX_FINGERPRINTS);
    char *tls_id = NULL;
    if (remote->tls_id) {
        tls_id = kith_strdup(remote->tls_id);
        if (!tls_id)
            return kith_fail_memory();
    }
    kith_err err = kith_ice_set_remote(t->ice, remote->ufrag, remote->pwd, remote->is_lite);
    if (err != KITH_OK) {
        kith_free(tls_id);
        return err;
    }
    kith_ice_set_renomination(t->ice, remote->can_renominate);
    if (tls_id) {
        kith_free(t->remote_tls_id);
        t->remote_tls_id = tls_id;
    }
    t->end_of_remote = false;
    kith_endpoint_set_ready(t->pc);
    if (same_fingerprints(t, remote))
        return KITH_OK;
    memcpy(t->fingerprints, remote->fingerprints,
           remote->fingerprint_count * sizeof *remote->fingerprints);
    t->fingerprint_count = remote->fingerprint_count;
    return make_dtls(t);
}

kith_err kith_transport_set_dtls_role(kith_transport *t, kith_dtls_role role)
{
    if (t->has_dtls_role && t->dtls_role == role && t->dtls)
        return KITH_OK;
    bool had = t->has_dtls_role;
    kith_dtls_role old = t->dtls_role;
    t->has_dtls_role = true;
    t->dtls_role = role;
    kith_err err = make_dtls(t);
    if (err != KITH_OK) {
        t->has_dtls_role = had;
        t->dtls_role = old;
        return err;
    }
    kith_channels_assign_ids(t->pc);
    return KITH_OK;
}

void kith_transport_start_sctp(kith_transport *t)
{
    if (!t->sctp)
        return;
    kith_sctp_set_rtt(t->sctp, kith_ice_rtt(t->ice));
    kith_sctp_start(t->sctp);
}

kith_err kith_transport_set_sctp(kith_transport *t, uint16_t remote_port,
                                 size_t remote_max_message_size)
{
    if (!t->sctp) {
        kith_sctp_config config = {
            .local_port = KITH_SDP_DEFAULT_SCTP_PORT,
            .remote_port = remote_port,
            .max_streams = t->pc->config.max_channels,
            .mtu = KITH_TRANSPORT_MTU - KITH_DTLS_OVERHEAD,
            .max_message_size = t->pc->config.max_message_size,
            .receive_buffer = t->pc->config.receive_buffer,
            .send_buffer = t->pc->config.send_buffer,
            .log = &t->pc->log,
            .wake = kith_endpoint_wake,
            .wake_user = t->pc,
        };
        kith_err err = kith_sctp_new(&t->sctp, &config);
        if (err != KITH_OK)
            return err;
        if (t->dtls && kith_dtls_get_state(t->dtls) == KITH_DTLS_CONNECTED)
            kith_transport_start_sctp(t);
    }
    t->remote_sctp_port = remote_port;
    t->remote_max_message_size = remote_max_message_size;
    kith_endpoint_set_ready(t->pc);
    return KITH_OK;
}

void kith_transport_add_remote_candidate(kith_transport *t, const kith_candidate *candidate)
{
    if (candidate->address.family == 0)
        kith_gather_resolve_remote(t, candidate);
    else
        kith_nat64_add_remote(t, candidate);
    kith_endpoint_set_ready(t->pc);
}

void kith_transport_end_remote_candidates(kith_transport *t)
{
    t->end_of_remote = true;
    kith_gather_answered(t);
    kith_endpoint_set_ready(t->pc);
}

/* The life of a peer connection: made whole or not at all, closed, and kept after its owner freed
 * it until its last packets have left. */
#include "pc/pc.h"

#include <stdio.h>

#include "base/error.h"
#include "base/memory.h"
#include "pc/endpoint.h"

int64_t kith_pc_unix_seconds(const kith_pc *pc)
{
    return kith_endpoint_unix_time(pc->ep, kith_endpoint_present(pc->ep)) / 1000000;
}

/* webrtc-pc section 4.4.1.1 step 9: a certificate of our own when none is given. */
static kith_err make_certificate(kith_pc *pc)
{
    if (pc->config.certificate_count > 0)
        return KITH_OK;
    return kith_certificate_generate(&pc->certificate, KITH_KEY_ECDSA_P256,
                                     kith_pc_unix_seconds(pc), 0);
}

kith_certificate *const *kith_pc_certificates(const kith_pc *pc, size_t *count)
{
    *count = pc->certificate ? 1 : pc->config.certificate_count;
    return pc->certificate ? &pc->certificate : pc->config.certificates;
}

kith_err kith_pc_new(kith_pc **out, kith_endpoint *ep, const kith_pc_config *cfg)
{
    kith_pc *pc = kith_alloc_zero(1, sizeof *pc);
    if (!pc)
        return kith_fail_memory();
    pc->ep = ep;
    pc->user = cfg ? cfg->user : NULL;
    char name[16];
    snprintf(name, sizeof name, "pc %u", ++ep->names);
    kith_log_init(&pc->log, name);
    kith_list_init(&pc->transports);
    kith_channels_init(pc);
    kith_transceivers_init(pc);

    static const kith_pc_config defaults = KITH_PC_CONFIG_INIT;
    kith_err err = kith_events_init(pc);
    if (err == KITH_OK)
        err = kith_config_set(pc, cfg ? cfg : &defaults, true);
    if (err == KITH_OK)
        err = make_certificate(pc);
    if (err == KITH_OK)
        err = kith_endpoint_enter(ep, pc);
    if (err == KITH_OK)
        err = kith_transport_new(&pc->channels.transport, pc);
    if (err == KITH_OK)
        err = kith_jsep_init(pc);
    if (err != KITH_OK) {
        kith_pc_destroy(pc);
        return err;
    }
    *out = pc;
    return KITH_OK;
}

void kith_pc_destroy(kith_pc *pc)
{
    kith_events_deinit(pc); /* messages go back to SCTP */
    kith_channels_deinit(pc);
    kith_transceivers_deinit(pc);
    kith_jsep_deinit(pc);
    KITH_LIST_EACH(&pc->transports, node)
        kith_transport_free(KITH_OWNER(node, kith_transport, in_pc));
    kith_endpoint_leave(pc);
    kith_certificate_free(pc->certificate);
    kith_config_deinit(pc);
    kith_free(pc->why);
    kith_free(pc);
}

/* webrtc-pc section 4.4.1.6. */
void kith_pc_close(kith_pc *pc)
{
    if (pc->closed)
        return;
    pc->closed = true;
    kith_jsep_close(pc);
    kith_events_forget_pc(pc);
    kith_channels_close(pc);
    kith_transceivers_close(pc);
    KITH_LIST_EACH(&pc->transports, node)
        kith_transport_close(KITH_OWNER(node, kith_transport, in_pc));
    /* Without events: the owner closed it and knows (steps 5 to 10). */
    pc->ice_connection_state = KITH_ICE_CONNECTION_STATE_CLOSED;
    pc->connection_state = KITH_CONNECTION_STATE_CLOSED;
}

void kith_pc_free(kith_pc *pc)
{
    if (!pc)
        return;
    kith_pc_close(pc);
    kith_events_forget_all(pc); /* but for the one that its owner may be looking at */
    kith_channels_deinit(pc);
    kith_transceivers_deinit(pc);
    pc->freed = true;
    kith_endpoint_set_ready(pc); /* its last packets; then the endpoint destroys it */
}

void *kith_pc_user(const kith_pc *pc)
{
    return pc->user;
}

void kith_pc_set_user(kith_pc *pc, void *user)
{
    pc->user = user;
}

kith_endpoint *kith_pc_endpoint(const kith_pc *pc)
{
    return pc->ep;
}

const uint8_t *kith_pc_remote_certificate(const kith_pc *pc, size_t *len)
{
    const kith_dtls *dtls = kith_pc_transport(pc)->dtls;
    *len = 0;
    if (!dtls || kith_dtls_get_state(dtls) != KITH_DTLS_CONNECTED)
        return NULL;
    kith_span der = kith_dtls_remote_certificate(dtls);
    *len = der.len;
    return der.data;
}

/* Making a session, and sending. libsrtp2 has one session for each direction, for a
 * stream of it sends or receives. */
#include "srtp/session.h"

#include <assert.h>

#include "base/error.h"
#include "base/memory.h"
#include "srtp/packet.h"

static kith_err check_config(const kith_srtp_config *config)
{
    const kith_srtp_profile *profile = kith_srtp_profile_of(config->profile);
    if (!profile)
        return kith_fail(KITH_ERR_NOT_SUPPORTED, "SRTP profile %u", config->profile);
    if (config->keys->key_len != profile->key_len || config->keys->salt_len != profile->salt_len)
        return kith_fail(KITH_ERR_TYPE, "keys of another profile than SRTP profile %u",
                         config->profile);
    if (!kith_srtp_library_ready())
        return kith_fail_memory();
    return KITH_OK;
}

static kith_err new_outbound(srtp_t *out, const kith_srtp_config *config)
{
    kith_srtp_material material;
    kith_srtp_material_init(&material, config, config->is_client);
    srtp_policy_t policy = kith_srtp_policy(&material, ssrc_any_outbound, 0);
    srtp_err_status_t status = srtp_create(out, &policy);
    kith_wipe(&material, sizeof material);
    return status == srtp_err_status_ok ? KITH_OK : kith_srtp_fail(status);
}

static kith_err new_inbound(kith_srtp_inbound **out, const kith_srtp_session *session,
                            const kith_srtp_config *config)
{
    kith_srtp_material material;
    kith_srtp_material_init(&material, config, !config->is_client);
    kith_err err = kith_srtp_inbound_new(out, &material, &session->owned);
    kith_wipe(&material, sizeof material);
    return err;
}

kith_err kith_srtp_new(kith_srtp_session **out, const kith_srtp_config *config)
{
    kith_err err = check_config(config);
    if (err != KITH_OK)
        return err;
    kith_srtp_session *session = kith_alloc_zero(1, sizeof *session);
    if (!session)
        return kith_fail_memory();
    session->profile = kith_srtp_profile_of(config->profile);
    err = new_inbound(&session->inbound, session, config);
    if (err == KITH_OK)
        err = new_outbound(&session->outbound, config);
    if (err != KITH_OK) {
        kith_srtp_free(session);
        return err;
    }
    *out = session;
    return KITH_OK;
}

void kith_srtp_free(kith_srtp_session *session)
{
    if (!session)
        return;
    if (session->outbound)
        (void)srtp_dealloc(session->outbound);
    kith_srtp_inbound_free(session->inbound);
    kith_srtp_ssrcs_deinit(&session->owned);
    kith_srtp_ssrcs_deinit(&session->retired);
    kith_free(session);
}

const kith_srtp_counters *kith_srtp_get_counters(const kith_srtp_session *session)
{
    return &session->counters;
}

/* ---- sending ---- */

static bool is_sent(const kith_srtp_session *session, uint32_t ssrc)
{
    uint32_t roc;
    return srtp_get_stream_roc(session->outbound, ssrc, &roc) == srtp_err_status_ok;
}

typedef srtp_err_status_t protect_function(srtp_t libsrtp, void *packet, int *len);

static kith_err protect(kith_srtp_session *session, protect_function *function, uint8_t *packet,
                        size_t *len, uint32_t ssrc)
{
    bool is_new = !is_sent(session, ssrc);
    if (is_new && kith_srtp_ssrcs_have(&session->retired, ssrc))
        return kith_fail(KITH_ERR_INVALID_STATE, "SSRC %08x was retired", (unsigned)ssrc);
    if (is_new && session->outbound_count >= KITH_SRTP_MAX_SSRCS)
        return kith_fail(KITH_ERR_RANGE, "no more than %d SSRCs", KITH_SRTP_MAX_SSRCS);
    /* so that none fails to be retired */
    kith_err err = is_new ? kith_srtp_ssrcs_reserve(&session->retired, session->outbound_count + 1,
                                                    KITH_SRTP_MAX_RETIRED)
                          : KITH_OK;
    if (err != KITH_OK)
        return err;
    int libsrtp_len = (int)*len;
    srtp_err_status_t status = function(session->outbound, packet, &libsrtp_len);
    if (is_new)
        session->outbound_count += is_sent(session, ssrc);
    if (status != srtp_err_status_ok)
        return kith_srtp_fail(status);
    *len = (size_t)libsrtp_len;
    return KITH_OK;
}

static kith_err check_room(size_t len, size_t overhead, size_t cap)
{
    if (len > UINT16_MAX || cap < len || cap - len < overhead)
        return kith_fail(KITH_ERR_RANGE, "%zu bytes and %zu of SRTP do not fit into %zu", len,
                         overhead, cap);
    return KITH_OK;
}

kith_err kith_srtp_protect_rtp(kith_srtp_session *session, uint8_t *packet, size_t *len, size_t cap)
{
    kith_srtp_rtp_header header;
    if (!kith_srtp_read_rtp(&header, packet, *len))
        return kith_fail(KITH_ERR_TYPE, "no RTP packet");
    kith_err err = check_room(*len, session->profile->tag_len, cap);
    if (err != KITH_OK)
        return err;
    return protect(session, srtp_protect, packet, len, header.ssrc);
}

kith_err kith_srtp_protect_rtcp(kith_srtp_session *session, uint8_t *packet, size_t *len,
                                size_t cap)
{
    uint32_t ssrc;
    if (!kith_srtp_read_rtcp(&ssrc, packet, *len))
        return kith_fail(KITH_ERR_TYPE, "no RTCP packet");
    size_t overhead = session->profile->tag_len + KITH_SRTP_RTCP_TRAILER;
    kith_err err = check_room(*len, overhead, cap);
    if (err != KITH_OK)
        return err;
    return protect(session, srtp_protect_rtcp, packet, len, ssrc);
}

void kith_srtp_retire(kith_srtp_session *session, uint32_t ssrc)
{
    if (!is_sent(session, ssrc))
        return;
    kith_err err = kith_srtp_ssrcs_add(&session->retired, ssrc, KITH_SRTP_MAX_RETIRED);
    assert(err == KITH_OK); /* there was room before it was sent with */
    kith_srtp_remove_stream(session->outbound, ssrc);
    session->outbound_count--;
}

/* ---- whose SSRCs are whose ---- */

kith_err kith_srtp_own(kith_srtp_session *session, uint32_t ssrc)
{
    kith_err err = kith_srtp_ssrcs_add(&session->owned, ssrc, KITH_SRTP_MAX_SSRCS);
    if (err == KITH_OK)
        kith_srtp_inbound_own(session->inbound, ssrc, true);
    return err;
}

void kith_srtp_disown(kith_srtp_session *session, uint32_t ssrc)
{
    kith_srtp_ssrcs_remove(&session->owned, ssrc);
    kith_srtp_inbound_own(session->inbound, ssrc, false);
}

void kith_srtp_forget(kith_srtp_session *session, uint32_t ssrc)
{
    kith_srtp_disown(session, ssrc);
    kith_srtp_inbound_forget(session->inbound, ssrc);
}

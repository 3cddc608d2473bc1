/* What a remote description must hold before anything of it is used, and what it says about the
 * transport. The text has been parsed; here its contents are checked (RFC 9429 sections 5.8 and
 * 5.10, RFC 3264 sections 6 and 8): INVALID_ACCESS. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "pc/jsep.h"
#include "pc/pc.h"

/* A sentence about a section, with the line of its m= in the text. */
KITH_PRINTF(2, 3)
static kith_err refuse(const kith_sdp_media *m, const char *format, ...)
{
    kith_error error;
    kith_error_init(&error, KITH_ERR_INVALID_ACCESS, "m=%s %s%s: ", m->kind,
                    m->mid ? "with mid " : "without mid", m->mid ? m->mid : "");
    size_t len = strlen(error.message);
    va_list args;
    va_start(args, format);
    vsnprintf(error.message + len, sizeof error.message - len, format, args);
    va_end(args);
    error.sdp_line_number = m->line > 0 ? m->line : -1;
    return kith_fail_with(&error);
}

int kith_jsep_agreed_data(const kith_pc *pc)
{
    const kith_description *local = pc->jsep.current_local, *remote = pc->jsep.current_remote;
    return local && remote && local->data >= 0 && local->data == remote->data ? local->data : -1;
}

kith_description *kith_remote_applied(const kith_pc *pc)
{
    const kith_jsep *jsep = &pc->jsep;
    if (jsep->pending_remote && jsep->pending_remote->is_applied)
        return jsep->pending_remote;
    return jsep->current_remote;
}

void kith_remote_transport(const kith_description *d, kith_transport_remote *out)
{
    const kith_sdp_media *m = kith_description_transport(d);
    const kith_sdp_fingerprints *fingerprints = kith_sdp_media_fingerprints(d->sdp, m);
    size_t count = fingerprints->count;
    *out = (kith_transport_remote){
        .ufrag = kith_sdp_ice_ufrag(d->sdp, m),
        .pwd = kith_sdp_ice_pwd(d->sdp, m),
        .is_lite = d->sdp->ice_lite,
        .fingerprints = fingerprints->items,
        .fingerprint_count =
            count > KITH_DTLS_MAX_FINGERPRINTS ? KITH_DTLS_MAX_FINGERPRINTS : count,
        .tls_id = kith_sdp_tls_id(d->sdp, m),
    };
}

bool kith_remote_restarts(const kith_pc *pc, const kith_description *d)
{
    if (!pc->jsep.agreed || d->data < 0)
        return false;
    const kith_description *applied = kith_remote_applied(pc);
    if (!kith_description_data(applied))
        return true; /* a section's second life */
    kith_transport_remote before, now;
    kith_remote_transport(applied, &before);
    kith_remote_transport(d, &now);
    /* RFC 8839 section 4.4.1.1.1: either of the two. */
    return strcmp(before.ufrag, now.ufrag) != 0 || strcmp(before.pwd, now.pwd) != 0;
}

/* ---- the data section ---- */

/* The role that this side takes when the peer says `theirs` in an answer or is asked to in an
 * offer. False: it cannot be. */
static bool setup_fits(const kith_pc *pc, kith_sdp_setup theirs)
{
    if (!kith_pc_transport(pc)->has_dtls_role)
        return true;
    /* RFC 8842 section 5.5: other roles would need a new association. */
    return theirs != (kith_pc_transport(pc)->dtls_role == KITH_DTLS_CLIENT
                          ? KITH_SDP_SETUP_ACTIVE
                          : KITH_SDP_SETUP_PASSIVE);
}

static kith_err check_setup(const kith_pc *pc, const kith_sdp_media *m, kith_sdp_setup setup,
                            bool is_answer)
{
    /* RFC 8842 section 5.3: an answer chooses. One that says nothing is taken for active, as
     * browsers do. */
    if (setup == KITH_SDP_SETUP_HOLDCONN || (is_answer && setup == KITH_SDP_SETUP_ACTPASS))
        return refuse(m, "a=setup:%s cannot be in an %s", kith_sdp_setup_text(setup),
                      is_answer ? "answer" : "offer");
    if (!setup_fits(pc, setup))
        return refuse(m, "a=setup:%s turns the DTLS roles that were agreed on",
                      kith_sdp_setup_text(setup));
    return KITH_OK;
}

static kith_err check_data(kith_pc *pc, const kith_description *d, bool is_answer)
{
    const kith_sdp_media *m = kith_description_data(d);
    const kith_sdp_media *transport = kith_description_transport(d);
    kith_transport_remote remote;
    kith_remote_transport(d, &remote);
    if (!remote.ufrag || !remote.pwd)
        return refuse(m, "no %s", remote.ufrag ? "a=ice-pwd" : "a=ice-ufrag");
    if (remote.fingerprint_count == 0)
        return refuse(m, "no a=fingerprint with a hash that can be trusted");
    kith_err err = check_setup(pc, m, kith_sdp_media_setup(d->sdp, transport), is_answer);
    if (err != KITH_OK)
        return err;
    if (kith_sdp_sctp_port(m) < 0)
        return refuse(m, "no a=sctp-port");
    return kith_transport_check_remote(kith_pc_transport(pc), &remote);
}

/* ---- all sections ---- */

static const char *mid_text(const kith_sdp_media *m)
{
    return m->mid ? m->mid : "none";
}

static bool same_mid(const kith_sdp_media *a, const kith_sdp_media *b)
{
    return strcmp(mid_text(a), mid_text(b)) == 0;
}

/* Each section keeps its place; one that is in use keeps its kind and mid (RFC 3264 section 8,
 * RFC 9429 section 5.10). */
static kith_err check_order(const kith_pc *pc, const kith_description *offer)
{
    const kith_description *before = pc->jsep.current_remote;
    if (!before)
        return KITH_OK;
    if (offer->sdp->media.count < before->sdp->media.count)
        return kith_fail(KITH_ERR_INVALID_ACCESS,
                         "the offer has %zu m= sections; there were %zu before",
                         offer->sdp->media.count, before->sdp->media.count);
    int live = kith_jsep_agreed_data(pc);
    if (live < 0)
        return KITH_OK;
    const kith_sdp_media *was = before->sdp->media.items[live];
    const kith_sdp_media *is = offer->sdp->media.items[live];
    if (strcmp(was->kind, is->kind) != 0 || (!kith_sdp_is_rejected(is) && !kith_sdp_is_data(is)))
        return refuse(is, "was m=%s for data channels before", was->kind);
    if (!same_mid(was, is))
        return refuse(is, "had mid %s before", mid_text(was));
    return KITH_OK;
}

/* The section in use, else the first that could be; the others are rejected. */
static int find_data(const kith_pc *pc, const kith_sdp *offer)
{
    int live = kith_jsep_agreed_data(pc);
    if (live >= 0 && !kith_sdp_is_rejected(offer->media.items[live]))
        return live;
    for (size_t i = 0; i < offer->media.count; i++)
        if (kith_sdp_is_data(offer->media.items[i]) && !kith_sdp_is_rejected(offer->media.items[i]))
            return (int)i;
    return -1;
}

kith_err kith_remote_check_offer(kith_pc *pc, kith_description *offer)
{
    kith_err err = check_order(pc, offer);
    if (err != KITH_OK)
        return err;
    offer->data = find_data(pc, offer->sdp);
    return offer->data < 0 ? KITH_OK : check_data(pc, offer, false);
}

kith_err kith_remote_check_answer(kith_pc *pc, kith_description *answer)
{
    const kith_description *offer = pc->jsep.pending_local;
    const kith_sdp *offered = offer->sdp, *answered = answer->sdp;
    if (answered->media.count != offered->media.count)
        return kith_fail(KITH_ERR_INVALID_ACCESS,
                         "the answer has %zu m= sections, the offer has %zu", answered->media.count,
                         offered->media.count);
    for (size_t i = 0; i < offered->media.count; i++) {
        const kith_sdp_media *ours = offered->media.items[i], *theirs = answered->media.items[i];
        if (strcmp(ours->kind, theirs->kind) != 0)
            return refuse(theirs, "the offer has m=%s there", ours->kind);
        if (theirs->mid && !same_mid(ours, theirs))
            return refuse(theirs, "the offer has mid %s there", mid_text(ours));
        if ((int)i != offer->data || kith_sdp_is_rejected(theirs))
            continue; /* what was offered as rejected stays so (RFC 3264 section 6) */
        if (!kith_sdp_is_data(theirs))
            return refuse(theirs, "protocol %s does not answer %s", theirs->proto, ours->proto);
        answer->data = (int)i;
    }
    return answer->data < 0 ? KITH_OK : check_data(pc, answer, true);
}

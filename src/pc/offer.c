/* create_offer (RFC 9429 section 5.2): what was negotiated or offered before, section by
 * section, with new ones where transceivers and channels need them. */
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "pc/jsep.h"
#include "pc/pc.h"

/* "0", "1", …: short, as RFC 9429 section 5.2.1 asks. */
#define MID_TEXT 12

static bool mid_is_used(const kith_description *d, const char *mid)
{
    return d && kith_sdp_find_mid(d->sdp, mid);
}

/* The lowest number that is no mid of any description, nor of the offer so far: a recycled
 * section's mid is new too (RFC 9429 section 5.2.2). */
static void choose_mid(const kith_jsep *jsep, const kith_sdp *offer, char out[MID_TEXT])
{
    unsigned n = 0;
    do
        snprintf(out, MID_TEXT, "%u", n++);
    while (mid_is_used(jsep->current_local, out) || mid_is_used(jsep->pending_local, out) ||
           mid_is_used(jsep->current_remote, out) || mid_is_used(jsep->pending_remote, out) ||
           kith_sdp_find_mid(offer, out));
}

/* A section is offered again while both sides accept it, or while it is offered already. base: our
 * last description, or NULL. */
static bool stays(const kith_pc *pc, const kith_description *base, size_t i)
{
    const kith_transceiver *t = kith_transceivers_find(pc, i);
    return base->sections[i].accepted && (!t || !t->is_stopping) &&
           (base == pc->jsep.pending_local || kith_jsep_is_agreed(pc, i));
}

static const kith_section *find_staying(const kith_pc *pc, const kith_description *base,
                                        const kith_section_kind *kind)
{
    for (size_t i = 0; base && i < base->sdp->media.count; i++)
        if (stays(pc, base, i) && (!kind || base->sections[i].kind == kind))
            return &base->sections[i];
    return NULL;
}

/* The description that has the most recent answer, which re-offers follow (RFC 9429 section 5.2.2).
 */
static const kith_description *last_answer(const kith_jsep *jsep)
{
    const kith_description *local = jsep->current_local;
    return local && local->session.type == KITH_SDP_OFFER ? jsep->current_remote : local;
}

static void add_new(kith_draft *draft, const kith_section_kind *kind)
{
    char mid[MID_TEXT];
    choose_mid(&draft->pc->jsep, draft->sdp, mid);
    kind->add(draft, mid, NULL);
}

/* before: the section as it stands in our last description. */
static void add_again(kith_draft *draft, const kith_section *before, size_t i)
{
    const kith_jsep *jsep = &draft->pc->jsep;
    const kith_sdp_media *like =
        kith_jsep_is_agreed(draft->pc, i) ? last_answer(jsep)->sdp->media.items[i] : NULL;
    char mid[MID_TEXT];
    choose_mid(jsep, draft->sdp, mid);
    before->kind->add(draft, before->media->mid ? before->media->mid : mid, like);
}

/* Its port is 0 in what was last agreed on (RFC 9429 section 5.2.2). One whose transceiver was
 * stopped since is to be rejected first. */
static bool can_recycle(const kith_pc *pc, size_t i)
{
    const kith_description *current = pc->jsep.current_local;
    return current && i < current->sdp->media.count && !kith_jsep_is_agreed(pc, i);
}

/* The sections that are there already keep their places (RFC 9429 section 5.2.2); the first
 * rejected ones are used again where new ones are needed. New are those of
 * transceivers without one, in the order of their creation, and last that of the data (section
 * 5.2.1). */
static void add_sections(kith_draft *draft, const kith_description *base, bool needs_data)
{
    size_t i = 0;
    kith_transceivers_begin_offer(draft->pc);
    for (; base && i < base->sdp->media.count; i++) {
        const kith_section *before = &base->sections[i];
        bool is_free = can_recycle(draft->pc, i);
        if (stays(draft->pc, base, i)) {
            add_again(draft, before, i);
        } else if (is_free && needs_data) {
            add_new(draft, &kith_section_data);
            needs_data = false;
        } else if (is_free && kith_transceivers_offer_next(draft->pc, i)) {
            add_new(draft, &kith_section_rtp);
        } else {
            kith_draft_add_rejected(draft, before->media);
        }
    }
    for (; kith_transceivers_offer_next(draft->pc, i); i++)
        add_new(draft, &kith_section_rtp);
    if (needs_data)
        add_new(draft, &kith_section_data);
}

/* All accepted sections are in one group, whose first is the one that says the transport (RFC 9143
 * section 7.1.3): that of our last description as long as it stays. New ones of "max-bundle" are
 * rejected by who does not bundle (RFC 9429 section 5.2.1). They repeat the transport's keys though
 * they need not, as Firefox's do: without them its process dies. */
static void add_group(kith_draft *draft, const kith_description *base)
{
    const kith_section *live = find_staying(draft->pc, base, NULL);
    int tagged = live ? kith_sdp_index_of(base->sdp, live->transport) : -1;
    bool may_be_bundle_only = draft->pc->config.bundle_policy == KITH_BUNDLE_POLICY_MAX_BUNDLE;
    if (kith_sdp_bad(draft->sdp))
        return; /* sections are missing */
    if (tagged >= 0 && stays(draft->pc, base, (size_t)tagged))
        kith_sdp_add_to_group(draft->sdp, "BUNDLE", draft->sdp->media.items[tagged]->mid);
    for (size_t i = 0; i < draft->sdp->media.count; i++) {
        kith_sdp_media *m = draft->sdp->media.items[i];
        if (kith_sdp_is_rejected(m) || kith_sdp_find_group(draft->sdp, "BUNDLE", m->mid))
            continue;
        bool is_tagged = draft->sdp->groups.count == 0;
        kith_sdp_add_to_group(draft->sdp, "BUNDLE", m->mid);
        if (may_be_bundle_only && !is_tagged && !kith_jsep_is_agreed(draft->pc, i)) {
            m->bundle_only = true;
            m->port = 0;
        }
    }
}

/* Which credentials the transport has in this offer: those of now or those of its next restart. */
static bool restarts(const kith_pc *pc, const kith_description *base, bool is_asked)
{
    const kith_jsep *jsep = &pc->jsep;
    bool is_live = find_staying(pc, base, NULL);
    /* An offer that is pending restarts already if its credentials are not those that were
     * agreed on. The second life of a section begins with new ones. */
    const kith_sdp_media *agreed = kith_description_transport(jsep->current_local);
    const char *ufrag = kith_ice_local_ufrag(kith_pc_transport(pc)->ice);
    bool is_fresh = !jsep->agreed || (jsep->pending_local && is_live &&
                                      (!agreed || strcmp(agreed->common.ice_ufrag, ufrag) != 0));
    return !is_fresh &&
           (!is_live || is_asked || kith_jsep_wants_restart(pc) || kith_jsep_is_outdated(pc));
}

kith_err kith_jsep_create_offer(kith_pc *pc, bool ice_restart)
{
    kith_jsep *jsep = &pc->jsep;
    kith_ice *ice = kith_pc_transport(pc)->ice;
    const kith_description *base = jsep->pending_local ? jsep->pending_local : jsep->current_local;
    bool needs_data = !find_staying(pc, base, &kith_section_data) && kith_jsep_wants_data(pc);
    bool restart = restarts(pc, base, ice_restart);
    kith_draft draft = {
        .pc = pc,
        .follows_peer = jsep->current_local && jsep->current_local->session.type == KITH_SDP_OFFER,
        .keys =
            {
                .ufrag = restart ? kith_ice_next_ufrag(ice) : kith_ice_local_ufrag(ice),
                .pwd = restart ? kith_ice_next_pwd(ice) : kith_ice_local_pwd(ice),
                /* RFC 9429 section 5.2.2: always actpass; the roles agreed on stay (RFC 8842
                 * section 5.5). */
                .setup = KITH_SDP_SETUP_ACTPASS,
                .tls_id = jsep->tls_id,
            },
    };
    if (!draft.keys.ufrag || !draft.keys.pwd)
        return kith_fail_memory();
    kith_err err = kith_draft_begin(&draft);
    if (err != KITH_OK)
        return err;
    add_sections(&draft, base, needs_data);
    add_group(&draft, base);
    err = kith_draft_finish(&draft, &jsep->offer);
    jsep->offer.session.type = KITH_SDP_OFFER;
    return err;
}

kith_err kith_pc_create_offer(kith_pc *pc, const kith_offer_options *options,
                              const kith_session_description **out)
{
    kith_signaling_state state = pc->jsep.signaling_state;
    if (state != KITH_SIGNALING_STATE_STABLE && state != KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER)
        return kith_fail(KITH_ERR_INVALID_STATE, "create_offer: the signaling state is %s",
                         kith_signaling_state_name(state));
    kith_offer_options known = KITH_OFFER_OPTIONS_INIT;
    kith_err err = KITH_OK;
    if (options)
        err = kith_config_read(&known, sizeof known, options, "KITH_OFFER_OPTIONS_INIT");
    for (size_t i = 0; err == KITH_OK && i < sizeof known.reserved / sizeof known.reserved[0]; i++)
        if (known.reserved[i])
            err = kith_fail(KITH_ERR_NOT_SUPPORTED, "a reserved field of the options is set");
    if (err == KITH_OK)
        err = kith_jsep_create_offer(pc, known.ice_restart);
    if (err == KITH_OK)
        *out = &pc->jsep.offer.session;
    return err;
}

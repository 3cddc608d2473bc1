/* create_offer (RFC 9429 section 5.2): what was negotiated or offered before, section by
 * section, with a data section where channels need one. */
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

/* An offer that is being made. */
struct draft {
    kith_pc *pc;
    kith_sdp *sdp;
    kith_section_keys keys;
    /* in the local description: what says the keys; or NULL */
    const kith_sdp_media *tagged;
    /* index of the data section in it; -1: none yet */
    int data;
};

/* before: the section as it stands in the local description; NULL: a new one. */
static void add_data(struct draft *draft, const kith_sdp_media *before)
{
    kith_sdp *sdp = draft->sdp;
    char new_mid[MID_TEXT];
    choose_mid(&draft->pc->jsep, sdp, new_mid);
    kith_section_data data = {
        .mid = before && before->mid ? before->mid : new_mid,
        .proto = before ? before->proto : "UDP/DTLS/SCTP",
        .is_old_form = before && kith_section_is_old_form(before),
        .sctp_port = KITH_JSEP_SCTP_PORT,
        .keys = &draft->keys,
    };
    draft->data = (int)sdp->media.count;
    kith_section_add_data(draft->pc, sdp, &data);
    kith_sdp_add_to_group(sdp, "BUNDLE", data.mid);
}

/* The RTP section whose transport the data section `live` uses: it stays inactive as long as
 * both sides have it (RFC 9429 section 5.2.2); when the peer rejected it, the data section is
 * the tagged one. */
static const kith_sdp_media *find_tagged(const kith_jsep *jsep, const kith_description *base,
                                         int live)
{
    if (live < 0 || !base || !jsep->current_remote)
        return NULL;
    const kith_sdp_media *m = kith_section_transport(base->sdp, live);
    size_t index = (size_t)kith_sdp_index_of(base->sdp, m);
    const kith_sdp *remote = jsep->current_remote->sdp;
    bool stays = index != (size_t)live && index < remote->media.count &&
                 !kith_sdp_is_rejected(remote->media.items[index]);
    return stays ? m : NULL;
}

/* The sections that are there already keep their places (RFC 9429 section 5.2.2). `live` is in
 * use; the first rejected one is used again where a new one is needed. */
static void add_sections(struct draft *draft, const kith_description *base, int live,
                         bool needs_new)
{
    size_t count = base ? base->sdp->media.count : 0;
    if (draft->tagged) /* the first of the group (RFC 9143 section 7.1.3) */
        kith_sdp_add_to_group(draft->sdp, "BUNDLE", draft->tagged->mid);
    for (size_t i = 0; i < count; i++) {
        const kith_sdp_media *before = base->sdp->media.items[i];
        if ((int)i == live)
            add_data(draft, before);
        else if (needs_new && draft->data < 0)
            add_data(draft, NULL);
        else if (before == draft->tagged)
            kith_section_add_inactive(draft->pc, draft->sdp, before, &draft->keys);
        else
            kith_section_add_rejected(draft->sdp, before);
    }
    if (needs_new && draft->data < 0)
        add_data(draft, NULL);
}

kith_err kith_jsep_create_offer(kith_pc *pc, bool ice_restart)
{
    kith_jsep *jsep = &pc->jsep;
    kith_ice *ice = kith_pc_transport(pc)->ice;
    const kith_description *base = jsep->pending_local ? jsep->pending_local : jsep->current_local;
    int live = jsep->pending_local ? jsep->pending_local->data : kith_jsep_agreed_data(pc);
    bool needs_new = live < 0 && kith_jsep_wants_data(pc);

    /* An offer that is pending restarts already if its credentials are not those that were
     * agreed on. The second life of a section begins with new ones. */
    const kith_sdp_media *agreed = kith_description_transport(jsep->current_local);
    bool is_fresh = !jsep->agreed ||
                    (jsep->pending_local && live >= 0 &&
                     (!agreed || strcmp(agreed->common.ice_ufrag, kith_ice_local_ufrag(ice)) != 0));
    bool restart =
        !is_fresh && (needs_new || (live >= 0 && (ice_restart || kith_jsep_wants_restart(pc))));

    struct draft draft = {
        .pc = pc,
        .keys =
            {
                .ufrag = restart ? kith_ice_next_ufrag(ice) : kith_ice_local_ufrag(ice),
                .pwd = restart ? kith_ice_next_pwd(ice) : kith_ice_local_pwd(ice),
                /* RFC 9429 section 5.2.2: always actpass; the roles agreed on stay (RFC 8842
                 * section 5.5). */
                .setup = KITH_SDP_SETUP_ACTPASS,
                .has_tls_id = true,
            },
        .tagged = find_tagged(jsep, base, live),
        .data = -1,
    };
    if (!draft.keys.ufrag || !draft.keys.pwd)
        return kith_fail_memory();
    kith_err err = kith_section_begin(pc, &draft.sdp);
    if (err != KITH_OK)
        return err;
    add_sections(&draft, base, live, needs_new);
    err = kith_section_finish(pc, draft.sdp, draft.data, &jsep->offer);
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
    if (err == KITH_OK)
        err = kith_jsep_create_offer(pc, known.ice_restart);
    if (err == KITH_OK)
        *out = &pc->jsep.offer.session;
    return err;
}

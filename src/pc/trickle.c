/* Candidates, both ways: those of the peer into the remote descriptions and to the transport,
 * ours into the local descriptions and to the application (RFC 8838, RFC 8840, webrtc-pc
 * sections 4.4.1.7 and 4.4.1.4.1). */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "pc/jsep.h"
#include "pc/pc.h"

/* ---- the peer's: what a description brings ---- */

static bool same_candidate(const kith_candidate *a, const kith_candidate *b)
{
    return a->protocol == b->protocol && a->tcp_type == b->tcp_type && a->type == b->type &&
           kith_address_equal(&a->address, &b->address) && strcmp(a->hostname, b->hostname) == 0 &&
           a->address.port == b->address.port;
}

static bool list_has(const kith_sdp_candidates *list, const kith_candidate *c)
{
    for (size_t i = 0; i < list->count; i++)
        if (same_candidate(&list->items[i], c))
            return true;
    return false;
}

static void add_candidate(kith_pc *pc, const kith_candidate *candidate, const char *ufrag)
{
    if (candidate->is_unknown)
        return;
    if (candidate->component != 1)
        return; /* RTCP's: everything is on one (RFC 8835 section 3.4) */
    if (candidate->protocol != KITH_UDP && candidate->hostname[0] != '\0')
        return; /* not worth asking for its address */
    kith_candidate tagged = *candidate;
    memcpy(tagged.ufrag, ufrag, strlen(ufrag) + 1);
    kith_transport_add_remote_candidate(kith_pc_transport(pc), &tagged);
}

/* Those of one section, without those that the transport has from the same generation. */
static void add_section(kith_pc *pc, const kith_sdp_media *m, const char *ufrag,
                        const kith_sdp_media *before)
{
    for (size_t i = 0; i < m->candidates.count; i++) {
        const kith_candidate *c = &m->candidates.items[i];
        bool is_other_generation = c->ufrag[0] != '\0' && strcmp(c->ufrag, ufrag) != 0;
        if (!is_other_generation && !(before && list_has(&before->candidates, c)))
            add_candidate(pc, c, ufrag);
    }
}

/* Told in so many words, or by a peer that gave candidates and does not trickle (RFC 8838
 * section 4.1). */
static bool is_complete(const kith_description *d, const kith_sdp_media *m)
{
    if (d->end_of_candidates || kith_sdp_end_of_candidates(d->sdp, m))
        return true;
    return m->candidates.count > 0 && !kith_sdp_has_ice_option(d->sdp, m, "trickle");
}

void kith_trickle_apply(kith_pc *pc, kith_description *d, const kith_description *before)
{
    const kith_sdp_media *m = kith_description_transport(d);
    const char *ufrag = kith_sdp_ice_ufrag(d->sdp, m);
    if (d != before) {
        const kith_sdp_media *old = kith_description_transport(before);
        if (old && strcmp(kith_sdp_ice_ufrag(before->sdp, old), ufrag) != 0)
            old = NULL;
        add_section(pc, m, ufrag, old);
        for (size_t i = 0; i < d->sdp->media.count; i++)
            if (d->sections[i].accepted && d->sections[i].media != m)
                add_section(pc, d->sections[i].media, ufrag, NULL);
        if (old && before->end_of_candidates)
            d->end_of_candidates = true;
    }
    for (size_t i = 0; i < d->candidate_count; i++)
        add_candidate(pc, &d->candidates[i], ufrag);
    kith_free(d->candidates);
    d->candidates = NULL;
    d->candidate_count = 0;
    d->end_of_candidates = is_complete(d, m);
    if (d->end_of_candidates)
        kith_transport_end_remote_candidates(kith_pc_transport(pc));
}

/* ---- the peer's: add_ice_candidate ---- */

/* Of the section, or of the one whose transport it shares. */
static const char *section_ufrag(const kith_description *d, int index)
{
    if (!d || index < 0 || (size_t)index >= d->sdp->media.count)
        return NULL;
    const kith_section *section = &d->sections[index];
    return kith_sdp_ice_ufrag(d->sdp, section->accepted ? section->transport : section->media);
}

static bool has_generation(const kith_description *d, int index, const char *ufrag)
{
    const char *own = section_ufrag(d, index);
    return own && strcmp(own, ufrag) == 0;
}

/* Which section of the remote description, or -1: all. */
static kith_err find_section(const kith_description *remote, const kith_ice_candidate *c,
                             int *index)
{
    *index = -1;
    if (c && c->sdp_mid) {
        const kith_sdp_media *m = kith_sdp_find_mid(remote->sdp, c->sdp_mid);
        if (!m)
            return kith_fail(KITH_ERR_OPERATION,
                             "no section of the remote description has mid \"%s\"", c->sdp_mid);
        *index = kith_sdp_index_of(remote->sdp, m);
    } else if (c && c->sdp_m_line_index >= 0) {
        if ((size_t)c->sdp_m_line_index >= remote->sdp->media.count)
            return kith_fail(KITH_ERR_OPERATION,
                             "no section %d: the remote description has %zu sections",
                             c->sdp_m_line_index, remote->sdp->media.count);
        *index = c->sdp_m_line_index;
    }
    return KITH_OK;
}

/* What add_ice_candidate was given, understood. */
struct addition {
    bool is_end;
    int index;
    /* NULL: the section has none: nothing can use it */
    const char *ufrag;
    kith_candidate candidate;
};

static kith_err understand(const kith_pc *pc, const kith_ice_candidate *c, struct addition *out)
{
    const kith_jsep *jsep = &pc->jsep;
    const kith_description *remote =
        jsep->pending_remote ? jsep->pending_remote : jsep->current_remote;
    if (pc->closed || !remote)
        return kith_fail(KITH_ERR_INVALID_STATE, "add_ice_candidate: %s",
                         pc->closed ? "closed" : "there is no remote description yet");
    out->is_end = !c || !c->candidate || c->candidate[0] == '\0';
    if (!out->is_end && !c->sdp_mid && c->sdp_m_line_index < 0)
        return kith_fail(KITH_ERR_TYPE, "a candidate needs sdp_mid or sdp_m_line_index");
    kith_err err = find_section(remote, c, &out->index);
    if (err != KITH_OK)
        return err;
    const kith_sdp_media *transport = kith_description_transport(remote);
    if (out->index < 0 && transport) /* all: only those of this one are used */
        out->index = kith_sdp_index_of(remote->sdp, transport);
    if (!out->is_end && !kith_candidate_parse(&out->candidate, kith_span_text(c->candidate)))
        return kith_fail(KITH_ERR_OPERATION, "this is no candidate: \"%.100s\"", c->candidate);

    const char *said = c ? c->username_fragment : NULL;
    if (!said && !out->is_end && out->candidate.ufrag[0] != '\0')
        said = out->candidate.ufrag;
    if (said && !has_generation(jsep->pending_remote, out->index, said) &&
        !has_generation(jsep->current_remote, out->index, said))
        return kith_fail(KITH_ERR_OPERATION,
                         "no remote description has the ICE username fragment \"%.100s\" there",
                         said);
    out->ufrag = said ? said : section_ufrag(remote, out->index);
    return KITH_OK;
}

/* The text of d with the addition. *text stays NULL where nothing is added: it is there
 * already, or there is no room for more. */
static kith_err write_addition(const kith_description *d, const struct addition *a, char **text)
{
    *text = NULL;
    if (!d || !a->ufrag || !has_generation(d, a->index, a->ufrag))
        return KITH_OK;
    kith_writer line = kith_wr_growing();
    kith_wr_text(&line, "a=");
    if (a->is_end)
        kith_wr_text(&line, "end-of-candidates");
    else
        kith_candidate_write(&line, &a->candidate);
    char *words = kith_wr_take_text(&line);
    if (!words)
        return kith_fail_memory();
    bool is_there = a->is_end && kith_sdp_end_of_candidates(d->sdp, d->sdp->media.items[a->index]);
    kith_err err = KITH_OK;
    if (!is_there && d->trickled < KITH_SDP_MAX_CANDIDATES && !strstr(d->text, words)) {
        *text = kith_description_with_line(d, a->index, words);
        err = *text ? KITH_OK : kith_fail_memory();
    }
    kith_free(words);
    return err;
}

static void take_text(kith_description *d, char *text)
{
    if (!text)
        return;
    kith_description_set_text(d, text);
    d->trickled++;
}

/* Is it a section whose transport we use? */
static bool is_ours(const kith_description *d, const struct addition *a)
{
    if (!a->ufrag || !has_generation(d, a->index, a->ufrag))
        return false;
    const kith_section *section = &d->sections[a->index];
    return section->accepted || section->media == kith_description_transport(d);
}

/* To the transport if it has this generation; else it waits in the pending offer. */
static kith_err use(kith_pc *pc, const struct addition *a)
{
    kith_description *both[] = {pc->jsep.pending_remote, pc->jsep.current_remote};
    const kith_description *applied = kith_remote_applied(pc);
    bool is_applied = is_ours(applied, a);
    kith_description *pending = is_ours(both[0], a) ? both[0] : NULL;
    if (!a->is_end && !is_applied && pending &&
        pending->candidate_count < KITH_SDP_MAX_CANDIDATES) {
        kith_err err = kith_description_keep_candidate(pending, &a->candidate);
        pending->text_is_old = false; /* its text is not written from the tree */
        if (err != KITH_OK)
            return err;
    }
    for (size_t i = 0; i < 2; i++)
        if (a->is_end && is_ours(both[i], a))
            both[i]->end_of_candidates = true;
    if (!is_applied)
        return KITH_OK;
    if (a->is_end)
        kith_transport_end_remote_candidates(kith_pc_transport(pc));
    else
        add_candidate(pc, &a->candidate, a->ufrag);
    return KITH_OK;
}

kith_err kith_pc_add_ice_candidate(kith_pc *pc, const kith_ice_candidate *c)
{
    kith_jsep *jsep = &pc->jsep;
    struct addition a = {0};
    kith_err err = understand(pc, c, &a);
    if (err != KITH_OK)
        return err;
    char *pending = NULL, *current = NULL;
    err = write_addition(jsep->pending_remote, &a, &pending);
    if (err == KITH_OK)
        err = write_addition(jsep->current_remote, &a, &current);
    if (err == KITH_OK)
        err = use(pc, &a);
    if (err != KITH_OK) {
        kith_free(pending);
        kith_free(current);
        return err;
    }
    take_text(jsep->pending_remote, pending);
    take_text(jsep->current_remote, current);
    return KITH_OK;
}

kith_can_trickle kith_pc_can_trickle_ice_candidates(const kith_pc *pc)
{
    const kith_jsep *jsep = &pc->jsep;
    const kith_description *remote =
        jsep->pending_remote ? jsep->pending_remote : jsep->current_remote;
    if (!remote)
        return KITH_CAN_TRICKLE_UNKNOWN;
    bool can = kith_sdp_texts_have(&remote->sdp->common.ice_options, "trickle");
    for (size_t i = 0; i < remote->sdp->media.count; i++)
        can = can || kith_sdp_has_ice_option(remote->sdp, remote->sdp->media.items[i], "trickle");
    return can ? KITH_CAN_TRICKLE_YES : KITH_CAN_TRICKLE_NO;
}

/* ---- ours ---- */

static void tell(kith_pc *pc, const kith_description *local, const char *candidate)
{
    const kith_sdp_media *m = kith_description_transport(local);
    kith_event ev = {
        .type = KITH_EV_ICE_CANDIDATE,
        .pc = pc,
        .ice_candidate =
            {
                .candidate = candidate,
                .sdp_mid = m->mid,
                .sdp_m_line_index = kith_sdp_index_of(local->sdp, m),
                .username_fragment = m->common.ice_ufrag,
            },
    };
    kith_events_push(pc, &ev);
}

/* Is it a description of the generation that `like` is of? */
static bool is_of(const kith_description *d, const kith_description *like)
{
    return kith_description_transport(d) && d->generation == like->generation;
}

void kith_jsep_local_candidate(kith_pc *pc, const kith_candidate *candidate)
{
    kith_description *const both[] = {pc->jsep.pending_local, pc->jsep.current_local};
    const char *ufrag = candidate->ufrag[0] != '\0'
                            ? candidate->ufrag
                            : kith_ice_local_ufrag(kith_pc_transport(pc)->ice);
    const kith_description *local = kith_jsep_find_local(pc, ufrag);
    if (!local || pc->closed)
        return; /* of a generation that was rolled back */
    kith_candidate line = *candidate;
    line.ufrag[0] = '\0'; /* a=ice-ufrag of its section says it */
    for (size_t i = 0; i < 2; i++)
        if (is_of(both[i], local) && kith_description_keep_candidate(both[i], &line) != KITH_OK)
            KITH_LOG(&pc->log, WARNING, "out of memory: the local description lacks a candidate");

    /* The ufrag behind it, as browsers have it: the line may travel alone (RFC 8838 section
     * 4.3). */
    const char *own = kith_description_transport(local)->common.ice_ufrag;
    memcpy(line.ufrag, own, strlen(own) + 1);
    kith_writer w = kith_wr_growing();
    kith_candidate_write(&w, &line);
    char *text = kith_wr_take_text(&w);
    if (text)
        tell(pc, local, text);
    kith_free(text);
}

void kith_jsep_local_end(kith_pc *pc)
{
    kith_description *const both[] = {pc->jsep.pending_local, pc->jsep.current_local};
    const kith_description *local =
        kith_jsep_find_local(pc, kith_ice_local_ufrag(kith_pc_transport(pc)->ice));
    if (!local || pc->closed)
        return;
    for (size_t i = 0; i < 2; i++)
        if (is_of(both[i], local)) {
            both[i]->end_of_candidates = true;
            both[i]->text_is_old = true;
        }
    tell(pc, local, "");
}

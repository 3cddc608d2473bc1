/* Candidates, both ways: those of the peer into the remote descriptions and to the transport,
 * ours into the local descriptions and to the application (RFC 8838, RFC 8840, webrtc-pc
 * sections 4.4.1.7 and 4.4.1.4.1). */
#include <string.h>

#include "base/config.h"
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

/* Nothing is lost without a trace: kith_pc_why_failed tells the number, the log the reason. */
static void leave_out(kith_pc *pc, const char *why)
{
    pc->jsep.ignored_candidates++;
    KITH_LOG(&pc->log, INFO, "a remote candidate is left out: %s", why);
}

static void add_candidate(kith_pc *pc, const kith_candidate *candidate, const char *ufrag)
{
    if (candidate->is_unknown) {
        leave_out(pc, "its transport or its type is unknown");
        return;
    }
    if (candidate->component != 1) {
        /* RFC 8835 section 3.4: RTCP is on component 1 too. */
        leave_out(pc, "it is of another component than 1");
        return;
    }
    if (candidate->tcp_type == KITH_TCPTYPE_ACTIVE && candidate->hostname[0] != '\0') {
        /* Nobody connects to one that connects itself (RFC 6544 section 6.2). */
        leave_out(pc, "it is of TCP, active, and its address is hidden");
        return;
    }
    kith_candidate tagged = *candidate;
    memcpy(tagged.ufrag, ufrag, strlen(ufrag) + 1);
    kith_transport_add_remote_candidate(kith_pc_transport(pc), &tagged);
}

/* The ufrag of a section, or that of the one whose transport it shares. */
static const char *section_ufrag(const kith_description *d, size_t i)
{
    if (i >= d->sdp->media.count)
        return NULL;
    const kith_section *section = &d->sections[i];
    const char *own = kith_sdp_ice_ufrag(d->sdp, section->media);
    return own || !section->accepted ? own : kith_sdp_ice_ufrag(d->sdp, section->transport);
}

/* Is section i on the transport that we use? One that has keys of its own has a transport of its
 * own too, for peers that do not bundle, and its candidates lead there. */
static bool is_on_transport(const kith_description *d, size_t i)
{
    const kith_sdp_media *m = kith_description_transport(d);
    const char *ufrag = section_ufrag(d, i);
    return m && (d->sections[i].media == m || (d->sections[i].accepted && ufrag &&
                                               strcmp(ufrag, kith_sdp_ice_ufrag(d->sdp, m)) == 0));
}

/* Those of one section, without those that the transport has from the same generation. A ufrag in
 * the line says nothing here: the section's holds, as in browsers. */
static void add_section(kith_pc *pc, const kith_sdp_media *m, const char *ufrag,
                        const kith_sdp_media *before)
{
    for (size_t i = 0; i < m->candidates.count; i++)
        if (!before || !list_has(&before->candidates, &m->candidates.items[i]))
            add_candidate(pc, &m->candidates.items[i], ufrag);
    for (uint32_t i = 0; !before && i < m->ignored_candidates; i++)
        leave_out(pc, "its line is malformed, of an unknown kind, or one too many");
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
            if (d->sections[i].media != m && is_on_transport(d, i))
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

/* What add_ice_candidate was given, understood. */
struct addition {
    bool is_end;
    /* -1: all sections */
    int index;
    /* of its generation; NULL: the newest */
    const char *ufrag;
    /* the newest remote description */
    const kith_description *remote;
    kith_candidate candidate;
};

/* Is section i of d one that this is said of? */
static bool concerns(const struct addition *a, const kith_description *d, size_t i)
{
    if (a->index >= 0 && (size_t)a->index != i)
        return false;
    const char *own = section_ufrag(d, i);
    const char *said = a->ufrag ? a->ufrag : section_ufrag(a->remote, i);
    return own && said && strcmp(own, said) == 0;
}

static bool concerns_any(const struct addition *a, const kith_description *d)
{
    for (size_t i = 0; d && i < d->sdp->media.count; i++)
        if (concerns(a, d, i))
            return true;
    return false;
}

/* Which section of the remote description, or -1: all. A mid of "" beside an index is none: peers
 * whose sections have no mid write it so. */
static kith_err find_section(const kith_description *remote, const kith_ice_candidate *c,
                             int *index)
{
    *index = -1;
    bool has_index = c && c->sdp_m_line_index >= 0;
    bool has_mid = c && c->sdp_mid && !(c->sdp_mid[0] == '\0' && has_index);
    if (has_mid) {
        const kith_sdp_media *m = kith_sdp_find_mid(remote->sdp, c->sdp_mid);
        if (!m)
            return kith_fail(KITH_ERR_OPERATION,
                             "no section of the remote description has mid \"%s\"", c->sdp_mid);
        *index = kith_sdp_index_of(remote->sdp, m);
    } else if (has_index) {
        if ((size_t)c->sdp_m_line_index >= remote->sdp->media.count)
            return kith_fail(KITH_ERR_OPERATION,
                             "no section %d: the remote description has %zu sections",
                             c->sdp_m_line_index, remote->sdp->media.count);
        *index = c->sdp_m_line_index;
    }
    return KITH_OK;
}

/* usernameFragment must be that of a description (webrtc-pc section 4.4.1.7 step 4.4). One in the
 * candidate's line that is of none is no reason to lose the candidate: browsers take it. */
static kith_err find_generation(const kith_pc *pc, const kith_ice_candidate *c,
                                struct addition *out)
{
    const char *member = c ? c->username_fragment : NULL;
    out->ufrag = member ? member : out->candidate.ufrag[0] != '\0' ? out->candidate.ufrag : NULL;
    if (!out->ufrag || concerns_any(out, pc->jsep.pending_remote) ||
        concerns_any(out, pc->jsep.current_remote))
        return KITH_OK;
    if (member)
        return kith_fail(KITH_ERR_OPERATION,
                         "no remote description has the ICE username fragment \"%.100s\" there",
                         member);
    out->ufrag = NULL;
    return KITH_OK;
}

static kith_err understand(const kith_pc *pc, const kith_ice_candidate *c, struct addition *out)
{
    const kith_jsep *jsep = &pc->jsep;
    out->remote = jsep->pending_remote ? jsep->pending_remote : jsep->current_remote;
    if (pc->closed || !out->remote)
        return kith_fail(KITH_ERR_INVALID_STATE, "add_ice_candidate: %s",
                         pc->closed ? "closed" : "there is no remote description yet");
    out->is_end = !c || !c->candidate || c->candidate[0] == '\0';
    if (!out->is_end && !c->sdp_mid && c->sdp_m_line_index < 0)
        return kith_fail(KITH_ERR_TYPE, "a candidate needs sdp_mid or sdp_m_line_index");
    kith_err err = find_section(out->remote, c, &out->index);
    if (err != KITH_OK)
        return err;
    if (!out->is_end && !kith_candidate_parse(&out->candidate, kith_span_text(c->candidate)))
        return kith_fail(KITH_ERR_OPERATION, "this is no candidate: \"%.100s\"", c->candidate);
    return find_generation(pc, c, out);
}

static char *line_of(const struct addition *a)
{
    if (a->is_end)
        return kith_strdup("a=end-of-candidates");
    kith_writer line = kith_wr_growing();
    kith_wr_text(&line, "a=");
    kith_candidate_write(&line, &a->candidate);
    return kith_wr_take_text(&line);
}

/* The text of d with a line in each section it is said of and that has it not. *text stays NULL
 * where nothing is added. */
static kith_err add_line(const kith_description *d, const struct addition *a, const char *line,
                         char **text)
{
    const char *before = d->text;
    for (size_t i = 0; i < d->sdp->media.count; i++) {
        bool is_there = kith_description_has_line(before, (int)i, line) ||
                        (a->is_end && d->sdp->common.end_of_candidates);
        if (is_there || !concerns(a, d, i))
            continue;
        char *longer = kith_description_with_line(before, (int)i, line);
        kith_free(*text);
        *text = longer;
        if (!longer)
            return kith_fail_memory();
        before = longer;
    }
    return KITH_OK;
}

static kith_err write_addition(const kith_description *d, const struct addition *a, char **text)
{
    *text = NULL;
    if (!d || (!a->is_end && d->trickled >= KITH_SDP_MAX_CANDIDATES))
        return KITH_OK;
    char *line = line_of(a);
    if (!line)
        return kith_fail_memory();
    kith_err err = add_line(d, a, line, text);
    kith_free(line);
    return err;
}

static void take_text(kith_description *d, char *text, bool is_end)
{
    if (!text)
        return;
    kith_description_set_text(d, text);
    d->trickled += !is_end;
}

/* Is it said of a section whose transport we use? */
static bool is_ours(const kith_description *d, const struct addition *a)
{
    for (size_t i = 0; d && i < d->sdp->media.count; i++)
        if (concerns(a, d, i) && is_on_transport(d, i))
            return true;
    return false;
}

/* Waits in the pending offer for its answer. */
static kith_err keep(kith_pc *pc, kith_description *pending, const struct addition *a)
{
    if (pending->candidate_count >= KITH_SDP_MAX_CANDIDATES) {
        leave_out(pc, "too many wait for the answer");
        return KITH_OK;
    }
    kith_err err = kith_description_keep_candidate(pending, &a->candidate);
    pending->text_is_old = false; /* its text is not written from the tree */
    return err;
}

/* To the transport if it has this generation; else it waits in the pending offer. */
static kith_err use(kith_pc *pc, const struct addition *a)
{
    kith_description *both[] = {pc->jsep.pending_remote, pc->jsep.current_remote};
    const kith_description *applied = kith_remote_applied(pc);
    bool is_applied = is_ours(applied, a);
    for (size_t i = 0; i < 2; i++)
        if (a->is_end && is_ours(both[i], a))
            both[i]->end_of_candidates = true;
    if (a->is_end && is_applied)
        kith_transport_end_remote_candidates(kith_pc_transport(pc));
    else if (is_applied)
        add_candidate(pc, &a->candidate,
                      kith_sdp_ice_ufrag(applied->sdp, kith_description_transport(applied)));
    else if (!a->is_end && is_ours(both[0], a))
        return keep(pc, both[0], a);
    return KITH_OK;
}

kith_err kith_pc_add_ice_candidate(kith_pc *pc, const kith_ice_candidate *c)
{
    kith_jsep *jsep = &pc->jsep;
    kith_ice_candidate known = KITH_ICE_CANDIDATE_INIT;
    struct addition a = {0};
    kith_err err = KITH_OK;
    if (c)
        err = kith_config_read_sized_at(&known, sizeof known, c, offsetof(kith_ice_candidate, size),
                                        "KITH_ICE_CANDIDATE_INIT");
    if (err == KITH_OK)
        err = understand(pc, c ? &known : NULL, &a);
    if (err != KITH_OK)
        return err;
    if (a.candidate.is_unknown) { /* RFC 8839 section 5.1: ignored, no error */
        leave_out(pc, "its transport or its type is unknown");
        return KITH_OK;
    }
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
    take_text(jsep->pending_remote, pending, a.is_end);
    take_text(jsep->current_remote, current, a.is_end);
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

static bool tell(kith_pc *pc, const kith_description *local, const char *candidate)
{
    const kith_sdp_media *m = kith_description_transport(local);
    kith_event ev = {
        .type = KITH_EV_ICE_CANDIDATE,
        .pc = pc,
        .ice_candidate =
            {
                .size = sizeof(kith_ice_candidate),
                .candidate = candidate,
                .sdp_mid = m->mid,
                .sdp_m_line_index = kith_sdp_index_of(local->sdp, m),
                .username_fragment = m->common.ice_ufrag,
            },
    };
    return kith_events_push_candidate(pc, &ev);
}

/* Is it a description of the generation that `like` is of? */
static bool is_of(const kith_description *d, const kith_description *like)
{
    return kith_description_transport(d) && d->generation == like->generation;
}

/* The candidate goes into the descriptions of its generation, into all or none. */
static bool keep_candidate(kith_pc *pc, const kith_description *local,
                           const kith_candidate *candidate)
{
    kith_description *const both[] = {pc->jsep.pending_local, pc->jsep.current_local};
    for (size_t i = 0; i < 2; i++) {
        if (!is_of(both[i], local) ||
            kith_description_keep_candidate(both[i], candidate) == KITH_OK)
            continue;
        if (i == 1 && is_of(both[0], local))
            both[0]->candidate_count--;
        return false;
    }
    return true;
}

static void drop_candidate(kith_pc *pc, const kith_description *local)
{
    kith_description *const both[] = {pc->jsep.pending_local, pc->jsep.current_local};
    for (size_t i = 0; i < 2; i++)
        if (is_of(both[i], local))
            both[i]->candidate_count--;
}

bool kith_jsep_local_candidate(kith_pc *pc, const kith_candidate *candidate)
{
    const char *ufrag = candidate->ufrag[0] != '\0'
                            ? candidate->ufrag
                            : kith_ice_local_ufrag(kith_pc_transport(pc)->ice);
    const kith_description *local = kith_jsep_find_local(pc, ufrag);
    if (!local || pc->closed)
        return true; /* of a generation that was rolled back */
    kith_candidate line = *candidate;
    line.ufrag[0] = '\0'; /* a=ice-ufrag of its section says it */
    if (!keep_candidate(pc, local, &line))
        return false;

    /* The ufrag behind it, as browsers have it: the line may travel alone (RFC 8838 section
     * 4.3). */
    const char *own = kith_description_transport(local)->common.ice_ufrag;
    memcpy(line.ufrag, own, strlen(own) + 1);
    kith_writer w = kith_wr_growing();
    kith_candidate_write(&w, &line);
    char *text = kith_wr_take_text(&w);
    bool is_queued = text && tell(pc, local, text);
    kith_free(text);
    if (!is_queued)
        drop_candidate(pc, local);
    return is_queued;
}

bool kith_jsep_local_end(kith_pc *pc)
{
    kith_description *const both[] = {pc->jsep.pending_local, pc->jsep.current_local};
    const kith_description *local =
        kith_jsep_find_local(pc, kith_ice_local_ufrag(kith_pc_transport(pc)->ice));
    if (!local || pc->closed)
        return true;
    for (size_t i = 0; i < 2; i++)
        if (is_of(both[i], local)) {
            both[i]->end_of_candidates = true;
            both[i]->text_is_old = true;
        }
    return tell(pc, local, "");
}

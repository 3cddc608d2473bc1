/* A session description: its text as the application sees it, its tree, and the candidates that
 * came since it was applied. A local one's text is written again when it is asked for; a remote
 * one's text stays as it was given, with lines added. */
#include <string.h>

#include "base/address.h"
#include "base/error.h"
#include "base/memory.h"
#include "pc/jsep.h"
#include "pc/pc.h"

kith_err kith_description_new(kith_description **out, kith_sdp_type type, const char *text)
{
    kith_description *d = kith_alloc_zero(1, sizeof *d);
    if (!d)
        return kith_fail_memory();
    kith_err err = kith_sdp_parse(&d->sdp, text, strlen(text));
    if (err == KITH_OK) {
        d->text = kith_strdup(text);
        d->sections = kith_sections_of(d->sdp);
        err = d->text && d->sections ? KITH_OK : kith_fail_memory();
    }
    if (err != KITH_OK) {
        kith_description_free(d);
        return err;
    }
    d->session = (kith_session_description){.type = type, .sdp = d->text};
    *out = d;
    return KITH_OK;
}

void kith_description_free(kith_description *d)
{
    if (!d)
        return;
    kith_sdp_free(d->sdp);
    kith_free(d->sections);
    kith_free(d->candidates);
    kith_free(d->text);
    kith_free(d);
}

/* RFC 9429 section 5.2.1: the address of a section without candidates. */
static const kith_sdp_connection no_address = {
    .nettype = "IN", .addrtype = "IP4", .address = "0.0.0.0"};

static void take_candidates_out(kith_sdp_media *m)
{
    m->port = 9;
    m->common.connection = no_address;
    m->common.end_of_candidates = false;
    m->candidates = (kith_sdp_candidates){0};
}

void kith_description_make_local(kith_description *d)
{
    for (size_t i = 0; i < d->sdp->media.count; i++) {
        d->sections[i].accepted = !kith_sdp_is_rejected(d->sdp->media.items[i]);
        if (d->sections[i].accepted)
            take_candidates_out(d->sdp->media.items[i]);
    }
}

const kith_section *kith_description_find(const kith_description *d, const kith_section_kind *kind)
{
    for (size_t i = 0; d && i < d->sdp->media.count; i++)
        if (d->sections[i].accepted && (!kind || d->sections[i].kind == kind))
            return &d->sections[i];
    return NULL;
}

const kith_sdp_media *kith_description_transport(const kith_description *d)
{
    const kith_section *data = kith_description_find(d, &kith_section_data);
    const kith_section *any = data ? data : kith_description_find(d, NULL);
    return any ? any->transport : NULL;
}

kith_err kith_description_keep_candidate(kith_description *d, const kith_candidate *candidate)
{
    kith_candidate *all =
        kith_resize(d->candidates, (d->candidate_count + 1) * sizeof *d->candidates);
    if (!all)
        return kith_fail_memory();
    all[d->candidate_count++] = *candidate;
    d->candidates = all;
    d->text_is_old = true;
    return KITH_OK;
}

/* ---- the text of a local description ---- */

/* RFC 8839 section 4.2.1: the candidate most likely to work with a peer that knows nothing of
 * ICE; relayed before server-reflexive before host, and IPv4 before IPv6. Only UDP over an
 * address can be said in c=. */
static int default_preference(const kith_candidate *c)
{
    if (c->protocol != KITH_UDP || c->address.family == 0)
        return 0;
    int preference = c->address.family == KITH_IPV4 ? 2 : 1;
    switch (c->type) {
    case KITH_CANDIDATE_RELAY:
        return 20 + preference;
    case KITH_CANDIDATE_SRFLX:
        return 10 + preference;
    case KITH_CANDIDATE_HOST:
        return preference;
    case KITH_CANDIDATE_PRFLX:
        break; /* never signalled (RFC 8445 section 7.2.5.3.1) */
    }
    return 0;
}

static const kith_candidate *default_candidate(const kith_description *gathered)
{
    const kith_candidate *best = NULL;
    int best_preference = 0;
    for (size_t i = 0; i < gathered->candidate_count; i++) {
        int preference = default_preference(&gathered->candidates[i]);
        if (preference > best_preference) {
            best_preference = preference;
            best = &gathered->candidates[i];
        }
    }
    return best;
}

/* What RFC 9429 section 5.2.2 asks of the m= and c= lines once candidates are known. */
static void set_default(kith_sdp_media *m, const kith_candidate *best, const char *address)
{
    m->port = best->address.port;
    m->common.connection.addrtype = best->address.family == KITH_IPV4 ? "IP4" : "IP6";
    m->common.connection.address = address;
}

/* As they came from ICE UDP's may stand behind TCP's, as sockets take a while to open; peers and
 * people expect the best first. */
static void sort_by_priority(kith_candidate *candidates, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        kith_candidate moved = candidates[i];
        size_t at = i;
        for (; at > 0 && candidates[at - 1].priority < moved.priority; at--)
            candidates[at] = candidates[at - 1];
        candidates[at] = moved;
    }
}

/* a=candidate stands in the section of the transport alone (RFC 9429 section 5.2.2), the default
 * one's address in all that use it. A tree of ours has neither, before and after. */
char *kith_description_write(const kith_sdp *sdp, const kith_description *gathered)
{
    kith_sdp_media *m = gathered ? kith_section_sdp_transport(sdp) : NULL;
    if (!m)
        return kith_sdp_write(sdp);
    sort_by_priority(gathered->candidates, gathered->candidate_count);
    m->candidates.items = gathered->candidates;
    m->candidates.count = gathered->candidate_count;
    m->common.end_of_candidates = gathered->end_of_candidates;

    char address[KITH_ADDRESS_TEXT];
    const kith_candidate *best = default_candidate(gathered);
    if (best)
        kith_address_format_ip(&best->address, address, sizeof address);
    for (size_t i = 0; best && i < sdp->media.count; i++)
        if (sdp->media.items[i]->port != 0)
            set_default(sdp->media.items[i], best, address);
    char *text = kith_sdp_write(sdp);
    for (size_t i = 0; i < sdp->media.count; i++)
        if (sdp->media.items[i]->port != 0)
            take_candidates_out(sdp->media.items[i]);
    return text;
}

/* ---- the text of a remote description ---- */

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

/* The m= line number `section`, or the end of the text. */
static const char *section_start(const char *text, int section)
{
    int seen = -1;
    const char *line = text;
    while (*line != '\0' && !(line[0] == 'm' && line[1] == '=' && ++seen == section))
        line = next_line(line);
    return line;
}

bool kith_description_has_line(const char *text, int section, const char *line)
{
    const char *end = section_start(text, section + 1);
    size_t len = strlen(line);
    for (const char *at = section_start(text, section); at < end; at = next_line(at))
        if (strncmp(at, line, len) == 0 && (at[len] == '\r' || at[len] == '\n' || at[len] == '\0'))
            return true;
    return false;
}

char *kith_description_with_line(const char *text, int section, const char *line)
{
    size_t at = (size_t)(section_start(text, section + 1) - text);
    bool needs_end = at > 0 && text[at - 1] != '\n';
    kith_writer w = kith_wr_growing();
    kith_wr_bytes(&w, text, at);
    kith_wr_print(&w, "%s%s\r\n", needs_end ? "\r\n" : "", line);
    kith_wr_text(&w, text + at);
    return kith_wr_take_text(&w);
}

void kith_description_set_text(kith_description *d, char *text)
{
    kith_free(d->text);
    d->text = text;
    d->session.sdp = text;
    d->text_is_old = false;
}

/* ---- public form ---- */

static const kith_session_description *tell(kith_description *d)
{
    if (!d)
        return NULL;
    if (d->text_is_old) {
        char *text = kith_description_write(d->sdp, d);
        if (text) /* else what was told before still stands */
            kith_description_set_text(d, text);
    }
    return &d->session;
}

const kith_session_description *kith_pc_local_description(kith_pc *pc)
{
    return pc->jsep.pending_local ? tell(pc->jsep.pending_local) : tell(pc->jsep.current_local);
}

const kith_session_description *kith_pc_current_local_description(kith_pc *pc)
{
    return tell(pc->jsep.current_local);
}

const kith_session_description *kith_pc_pending_local_description(kith_pc *pc)
{
    return tell(pc->jsep.pending_local);
}

const kith_session_description *kith_pc_remote_description(kith_pc *pc)
{
    return pc->jsep.pending_remote ? tell(pc->jsep.pending_remote) : tell(pc->jsep.current_remote);
}

const kith_session_description *kith_pc_current_remote_description(kith_pc *pc)
{
    return tell(pc->jsep.current_remote);
}

const kith_session_description *kith_pc_pending_remote_description(kith_pc *pc)
{
    return tell(pc->jsep.pending_remote);
}

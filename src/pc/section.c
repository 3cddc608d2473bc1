/* The table of the kinds of m= sections, and what the offers and answers that they stand in have in
 * common: the session's lines, the keys of the transport, sections that are rejected, and the end
 * (RFC 9429 sections 5.2 and 5.3). Which section is accepted is decided by offer.c and remote.c. */
#include "pc/section.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "pc/jsep.h"
#include "pc/pc.h"

/* ---- kinds ---- */

static const kith_section_kind *kind_of(const kith_sdp_media *m)
{
    static const kith_section_kind *const kinds[] = {&kith_section_data, &kith_section_rtp};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i]->matches(m))
            return kinds[i];
    return NULL;
}

static bool same_ufrag(const kith_sdp *sdp, const kith_sdp_media *a, const kith_sdp_media *b)
{
    const char *ufrag_a = kith_sdp_ice_ufrag(sdp, a), *ufrag_b = kith_sdp_ice_ufrag(sdp, b);
    return ufrag_a && ufrag_b && strcmp(ufrag_a, ufrag_b) == 0;
}

/* RFC 9143 section 7.1.3: what belongs to a bundle's transport is said in its tagged
 * section, the first of the group. A section that is bundle-only or says no credentials has no
 * transport of its own. One that repeats the tagged section's credentials may not have one
 * either: browsers' offers do so whatever their bundle policy. */
kith_sdp_media *kith_section_transport(const kith_sdp *sdp, kith_sdp_media *m)
{
    const kith_sdp_group *group = m->mid ? kith_sdp_find_group(sdp, "BUNDLE", m->mid) : NULL;
    kith_sdp_media *tagged =
        group && group->mids.count > 0 ? kith_sdp_find_mid(sdp, group->mids.items[0]) : NULL;
    if (!tagged || kith_sdp_is_rejected(tagged))
        return m;
    bool shares = m->bundle_only || !kith_sdp_ice_ufrag(sdp, m) || same_ufrag(sdp, m, tagged);
    return shares ? tagged : m;
}

kith_section *kith_sections_of(const kith_sdp *sdp)
{
    /* One more than there may be: none at all is no lack of memory. */
    kith_section *sections = kith_alloc_zero(sdp->media.count + 1, sizeof *sections);
    for (size_t i = 0; sections && i < sdp->media.count; i++) {
        kith_sdp_media *m = sdp->media.items[i];
        sections[i] = (kith_section){
            .kind = kind_of(m), .media = m, .transport = kith_section_transport(sdp, m)};
    }
    return sections;
}

kith_err kith_section_refuse(const kith_sdp_media *m, const char *format, ...)
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

/* ---- the beginning of an offer or answer ---- */

kith_err kith_draft_begin(kith_draft *draft)
{
    kith_err err = kith_sdp_new(&draft->sdp);
    if (err != KITH_OK)
        return err;
    kith_sdp *sdp = draft->sdp;
    sdp->origin.session_id = draft->pc->jsep.session_id;
    /* RFC 9429 section 5.2.1: "trickle" and "ice2" at session level; RFC 8840 section 4.1.1. */
    kith_sdp_add_text(sdp, &sdp->common.ice_options, "trickle");
    kith_sdp_add_text(sdp, &sdp->common.ice_options, "ice2");
    return KITH_OK;
}

/* ---- sections ---- */

static void add_fingerprint(kith_sdp *sdp, kith_sdp_media *m, kith_hash hash,
                            const kith_certificate *certificate)
{
    kith_fingerprint fp;
    if (kith_fingerprint_of(&fp, hash, kith_certificate_der(certificate)))
        kith_sdp_add_fingerprint(sdp, &m->common, &fp);
    else
        sdp->arena.bad = true;
}

/* SHA-256, and the hashes of the certificates' own signatures where those are others (RFC 8122
 * section 5). A peer looks at the set of one hash only, so each set holds all certificates. */
static void add_fingerprints(kith_sdp *sdp, kith_sdp_media *m, const kith_pc *pc)
{
    size_t count;
    kith_certificate *const *all = kith_pc_certificates(pc, &count);
    for (kith_hash hash = KITH_HASH_SHA1; hash <= KITH_HASH_SHA512; hash++) {
        bool used = hash == KITH_HASH_SHA256;
        for (size_t i = 0; i < count; i++)
            used |= kith_certificate_signature_hash(all[i]) == hash;
        for (size_t i = 0; i < count && used; i++)
            add_fingerprint(sdp, m, hash, all[i]);
    }
}

static kith_sdp_media *add_media(kith_sdp *sdp, const char *kind, uint16_t port, const char *proto,
                                 const char *mid)
{
    kith_sdp_media *m = kith_sdp_add_media(sdp, kind, port, proto);
    if (!m)
        return NULL;
    m->common.connection =
        (kith_sdp_connection){.nettype = "IN", .addrtype = "IP4", .address = "0.0.0.0"};
    if (mid)
        m->mid = kith_sdp_text(sdp, "%s", mid);
    return m;
}

kith_sdp_media *kith_draft_add(kith_draft *draft, const char *kind, const char *proto,
                               const char *mid)
{
    kith_sdp *sdp = draft->sdp;
    const kith_section_keys *keys = &draft->keys;
    kith_sdp_media *m = add_media(sdp, kind, 9, proto, mid);
    if (!m)
        return NULL;
    m->common.ice_ufrag = kith_sdp_text(sdp, "%s", keys->ufrag);
    m->common.ice_pwd = kith_sdp_text(sdp, "%s", keys->pwd);
    add_fingerprints(sdp, m, draft->pc);
    m->common.setup = keys->setup;
    if (keys->has_tls_id)
        m->common.tls_id = kith_sdp_text(sdp, "%s", draft->pc->jsep.tls_id);
    return m;
}

void kith_draft_add_rejected(kith_draft *draft, const kith_sdp_media *like)
{
    kith_sdp *sdp = draft->sdp;
    kith_sdp_media *m = add_media(sdp, like->kind, 0, like->proto, like->mid);
    if (!m)
        return;
    /* RFC 9429 section 5.3.1: only what identifies it; RFC 3264 section 6: its formats mean
     * nothing. */
    for (size_t i = 0; i < like->formats.count; i++)
        kith_sdp_add_text(sdp, &m->formats, like->formats.items[i]);
    if (kith_sdp_is_rtp(like))
        m->common.direction = KITH_SDP_DIRECTION_INACTIVE;
}

/* ---- the end of an offer or answer ---- */

kith_sdp_media *kith_section_sdp_transport(const kith_sdp *sdp)
{
    for (size_t i = 0; i < sdp->media.count; i++)
        if (!kith_sdp_is_rejected(sdp->media.items[i]))
            return kith_section_transport(sdp, sdp->media.items[i]);
    return NULL;
}

/* RFC 9429 section 5.2.2: the o= version is that of the local description unless something else
 * changed, candidates apart: they are told one by one too. */
static bool set_version(const kith_pc *pc, kith_sdp *sdp)
{
    const kith_jsep *jsep = &pc->jsep;
    const kith_description *before =
        jsep->pending_local ? jsep->pending_local : jsep->current_local;
    sdp->origin.session_version = jsep->next_version;
    if (!before)
        return true;
    sdp->origin.session_version = before->sdp->origin.session_version;
    char *old_text = kith_sdp_write(before->sdp);
    char *new_text = kith_sdp_write(sdp);
    bool wrote = old_text && new_text;
    if (wrote && strcmp(old_text, new_text) != 0)
        sdp->origin.session_version = jsep->next_version;
    kith_free(old_text);
    kith_free(new_text);
    return wrote;
}

kith_err kith_draft_finish(kith_draft *draft, kith_created *created)
{
    kith_pc *pc = draft->pc;
    kith_sdp *sdp = draft->sdp;
    char *text = NULL;
    if (!kith_sdp_bad(sdp) && set_version(pc, sdp)) {
        const kith_sdp_media *m = kith_section_sdp_transport(sdp);
        const kith_description *gathered = m ? kith_jsep_find_local(pc, m->common.ice_ufrag) : NULL;
        text = kith_description_write(sdp, gathered);
    }
    kith_sdp_free(sdp);
    if (!text)
        return kith_fail_memory();
    kith_free(created->text);
    created->text = text;
    created->session.sdp = text;
    created->revision = pc->jsep.revision;
    return KITH_OK;
}

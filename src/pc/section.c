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

/* NULL too where the section contradicts itself: it cannot be used. */
static const kith_section_kind *kind_of(const kith_sdp_media *m)
{
    static const kith_section_kind *const kinds[] = {&kith_section_data, &kith_section_rtp};
    for (size_t i = 0; !m->fault.text && i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i]->matches(m))
            return kinds[i];
    return NULL;
}

/* Are the transport's parameters all there? */
static bool says_transport(const kith_sdp *sdp, const kith_sdp_media *m)
{
    return !kith_sdp_is_rejected(m) && kind_of(m) && kith_sdp_ice_ufrag(sdp, m) &&
           kith_sdp_ice_pwd(sdp, m) && kith_sdp_media_fingerprints(sdp, m)->count > 0;
}

/* RFC 9143 section 7.1.3: what belongs to a bundle's transport is said in its tagged section, the
 * first of the group; that others have a transport of their own is for peers that do not bundle.
 * Where the first one cannot be accepted the answer tags the next (section 7.3.2). */
kith_sdp_media *kith_section_transport(const kith_sdp *sdp, kith_sdp_media *m)
{
    const kith_sdp_group *group = m->mid ? kith_sdp_find_group(sdp, "BUNDLE", m->mid) : NULL;
    for (size_t i = 0; group && i < group->mids.count; i++) {
        kith_sdp_media *tagged = kith_sdp_find_mid(sdp, group->mids.items[i]);
        if (tagged && says_transport(sdp, tagged))
            return tagged;
    }
    return m;
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

kith_err kith_section_refuse_fault(const kith_sdp_media *m)
{
    (void)kith_section_refuse(m, "%s", m->fault.text);
    kith_error error = *kith_last_error();
    error.sdp_line_number = m->fault.line;
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
    /* draft-thatcher-ice-renomination */
    kith_sdp_add_text(sdp, &sdp->common.ice_options, "renomination");
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
    if (keys->tls_id)
        m->common.tls_id = kith_sdp_text(sdp, "%s", keys->tls_id);
    return m;
}

static void copy_codec(kith_sdp *sdp, kith_sdp_media *m, const kith_sdp_media *like, int type)
{
    const kith_sdp_rtpmap *rtpmap = kith_sdp_find_rtpmap(like, type);
    kith_sdp_rtpmap *our_rtpmap = rtpmap ? KITH_SDP_APPEND(sdp, m->rtpmaps) : NULL;
    if (our_rtpmap) {
        *our_rtpmap = *rtpmap;
        our_rtpmap->name = kith_sdp_text(sdp, "%s", rtpmap->name);
    }
    const kith_sdp_fmtp *fmtp = kith_sdp_find_fmtp(like, type);
    kith_sdp_fmtp *our_fmtp = fmtp ? KITH_SDP_APPEND(sdp, m->fmtps) : NULL;
    if (our_fmtp)
        *our_fmtp = (kith_sdp_fmtp){.format = kith_sdp_text(sdp, "%s", fmtp->format),
                                    .payload_type = fmtp->payload_type,
                                    .parameters = kith_sdp_text(sdp, "%s", fmtp->parameters)};
}

kith_sdp_media *kith_draft_add_unused(kith_draft *draft, const char *mid,
                                      const kith_sdp_media *like)
{
    kith_sdp *sdp = draft->sdp;
    kith_sdp_media *m = kith_draft_add(draft, like->kind, like->proto, mid);
    if (!m)
        return NULL;
    bool is_rtp = kith_sdp_is_rtp(like);
    /* Once each: a type that is repeated may have long parameters. */
    bool is_copied[128] = {false};
    for (size_t i = 0; i < like->formats.count; i++) {
        uint64_t type;
        kith_sdp_add_text(sdp, &m->formats, like->formats.items[i]);
        if (!is_rtp || !kith_span_u64(kith_span_text(like->formats.items[i]), 127, &type) ||
            is_copied[type])
            continue;
        copy_codec(sdp, m, like, (int)type);
        is_copied[type] = true;
    }
    if (is_rtp) {
        m->common.direction = KITH_SDP_DIRECTION_INACTIVE;
        m->rtcp_mux = like->rtcp_mux; /* RFC 9143 section 9.3: as every bundled section */
    }
    return m;
}

/* RFC 9429 section 5.3.1 asks for no more than what identifies it, and RFC 3264 section 6 gives its
 * formats no meaning. But Pion and webrtc-rs refuse a format without a=rtpmap there, and aiortc and
 * GStreamer a section without the transport's keys, whatever its port. */
void kith_draft_add_rejected(kith_draft *draft, const kith_sdp_media *like)
{
    kith_sdp_media *m = kith_draft_add_unused(draft, like->mid, like);
    if (m)
        m->port = 0;
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
    created->is_unconfirmed = false;
    return KITH_OK;
}

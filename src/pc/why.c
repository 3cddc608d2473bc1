/* kith_pc_why_failed: the story of a connection that does not come about, from the descriptions up
 * to SCTP, for a person to read. */
#include <string.h>

#include "base/memory.h"
#include "base/writer.h"
#include "pc/jsep.h"
#include "pc/media.h"
#include "pc/pc.h"

static void tell_descriptions(kith_writer *w, kith_pc *pc)
{
    const kith_transport *t = kith_pc_transport(pc);
    if (!kith_pc_local_description(pc))
        kith_wr_text(w, "no local description was set; ");
    if (!kith_pc_remote_description(pc))
        kith_wr_text(w, "no remote description was set; ");
    if (kith_pc_signaling_state(pc) == KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER)
        kith_wr_text(w, "the answer has not come; ");
    if (t->counters.address_conflicts > 0) {
        char remote[KITH_ADDRESS_TEXT];
        kith_wr_print(w,
                      "%llu checks came from or reached %s, whose packets belong to another peer "
                      "on this socket; ",
                      (unsigned long long)t->counters.address_conflicts,
                      kith_address_format(&t->conflict.remote, remote, sizeof remote));
    }
}

static unsigned count_candidates(const kith_ice *ice, bool remote)
{
    unsigned count = 0;
    kith_ice_candidate_info info;
    for (size_t i = 0; kith_ice_candidate_at(ice, i, &info); i++)
        count += info.remote == remote;
    return count;
}

static void tell_pairs(kith_writer *w, const kith_ice *ice)
{
    kith_ice_pair_info pair;
    for (size_t i = 0; kith_ice_pair_at(ice, i, &pair); i++) {
        char local[KITH_ADDRESS_TEXT], remote[KITH_ADDRESS_TEXT];
        kith_wr_print(w, "\n  %s%s -> %s: %s%s%s, %llu checks sent, %llu answered",
                      pair.path.protocol == KITH_TCP ? "TCP " : "",
                      kith_address_format(&pair.path.local, local, sizeof local),
                      kith_address_format(&pair.path.remote, remote, sizeof remote), pair.state,
                      pair.why_failed ? ": " : "", pair.why_failed ? pair.why_failed : "",
                      (unsigned long long)pair.requests_sent,
                      (unsigned long long)pair.responses_received);
    }
}

/* Why this URL gave no candidate. */
static const char *why_silent(const kith_ice *ice, const char *url)
{
    kith_ice_server_info server;
    for (size_t i = 0; kith_ice_server_at(ice, i, &server); i++)
        if (strcmp(server.url, url) == 0)
            return server.error_text ? server.error_text : "no address asked it";
    return "the server's name could not be resolved";
}

/* A host behind a NAT is reached at the address that a STUN server saw, or not at all. */
static void advise_on_servers(kith_writer *w, kith_pc *pc)
{
    const kith_ice *ice = kith_pc_transport(pc)->ice;
    kith_ice_server_info server;
    for (size_t i = 0; kith_ice_server_at(ice, i, &server); i++)
        if (server.has_answered)
            return;
    kith_server_url url;
    if (!kith_config_server_url(pc, 0, &url)) {
        kith_wr_text(w, "\nno server-reflexive candidate: no STUN server was given");
        return;
    }
    kith_wr_text(w, "\nno server-reflexive candidate: peers of other networks do not reach us");
    for (size_t i = 0; kith_config_server_url(pc, i, &url); i++)
        kith_wr_print(w, "\n  %s: %s", url.url, why_silent(ice, url.url));
}

/* RFC 4787 section 4.1: does a NAT map one socket to several addresses, by whom it talks to?
 * `count` is that of the server-reflexive candidates. */
static bool is_symmetric(const kith_ice *ice, bool remote, unsigned *count)
{
    bool differ = false;
    kith_ice_candidate_info one, other;
    *count = 0;
    for (size_t i = 0; kith_ice_candidate_at(ice, i, &one); i++) {
        if (one.remote != remote || one.candidate->type != KITH_CANDIDATE_SRFLX)
            continue;
        ++*count;
        for (size_t j = i + 1; kith_ice_candidate_at(ice, j, &other); j++)
            /* a browser may hide the socket: related port 0 or 9 (RFC 8839 section 5.1) */
            differ |= other.remote == remote && other.candidate->type == KITH_CANDIDATE_SRFLX &&
                      one.candidate->related.port > 9 &&
                      kith_address_equal(&one.candidate->related, &other.candidate->related) &&
                      !kith_address_equal(&one.candidate->address, &other.candidate->address);
    }
    return differ;
}

static bool was_any_check_answered(const kith_ice *ice)
{
    kith_ice_pair_info pair;
    for (size_t i = 0; kith_ice_pair_at(ice, i, &pair); i++)
        if (pair.responses_received > 0)
            return true;
    return false;
}

static void advise_on_nats(kith_writer *w, const kith_ice *ice)
{
    unsigned locals, remotes;
    bool is_local_symmetric = is_symmetric(ice, false, &locals);
    bool is_remote_symmetric = is_symmetric(ice, true, &remotes);
    if (locals == 0 || remotes == 0 || was_any_check_answered(ice))
        return;
    kith_wr_text(w, is_local_symmetric && is_remote_symmetric
                        ? "\nboth NATs are symmetric"
                        : "\nno check came through the NATs of both sides");
    kith_wr_text(w, ": a TURN server is needed, by one of them");
}

static void tell_ice(kith_writer *w, kith_pc *pc)
{
    const kith_ice *ice = kith_pc_transport(pc)->ice;
    kith_wr_print(w, "ICE is %s with %u local and %u remote candidates",
                  kith_ice_connection_state_name(pc->ice_connection_state),
                  count_candidates(ice, false), count_candidates(ice, true));
    if (pc->jsep.ignored_candidates > 0)
        kith_wr_print(w, ", %u remote candidates were left out",
                      (unsigned)pc->jsep.ignored_candidates);
    if (count_candidates(ice, false) == 0)
        kith_wr_text(w, " (has the endpoint a local address?)");
    const kith_ice_counters *counters = kith_ice_get_counters(ice);
    if (counters->bad_integrity > 0)
        kith_wr_print(w, ", %llu checks with a wrong password",
                      (unsigned long long)counters->bad_integrity);
    if (counters->candidates_over_limit > 0)
        kith_wr_print(w, ", %llu remote candidates above the limit left out",
                      (unsigned long long)counters->candidates_over_limit);
    if (counters->candidates_unusable > 0)
        kith_wr_print(w, ", %llu that no check can reach (an address or a port of nobody)",
                      (unsigned long long)counters->candidates_unusable);
    tell_pairs(w, ice);
    if (pc->ice_connection_state != KITH_ICE_CONNECTION_STATE_FAILED)
        return;
    advise_on_servers(w, pc);
    advise_on_nats(w, ice);
}

static void tell_dtls(kith_writer *w, const kith_transport *t)
{
    if (!t->dtls) {
        kith_wr_text(w, "\nDTLS waits for the remote description");
        return;
    }
    const kith_error *error = kith_dtls_get_error(t->dtls);
    const kith_dtls_counters *counters = kith_dtls_get_counters(t->dtls);
    kith_wr_print(w, "\nDTLS is %s", kith_dtls_state_name(kith_dtls_get_state(t->dtls)));
    if (error->err != KITH_OK)
        kith_wr_print(w, ": %s", error->message);
    if (error->err != KITH_OK && error->received_alert >= 0)
        kith_wr_print(w, ", alert %d received", error->received_alert);
    if (error->err != KITH_OK && error->sent_alert >= 0)
        kith_wr_print(w, ", alert %d sent", error->sent_alert);
    if (counters->records_dropped > 0)
        kith_wr_print(w, ", records dropped: %llu", (unsigned long long)counters->records_dropped);
}

static void tell_sctp(kith_writer *w, const kith_transport *t)
{
    if (!t->sctp)
        return;
    const kith_error *error = kith_sctp_get_error(t->sctp);
    kith_sctp_info info;
    kith_sctp_get_info(t->sctp, &info);
    kith_wr_print(w, "\nSCTP is %s", kith_sctp_transport_state_name(kith_transport_sctp_state(t)));
    if (error->err != KITH_OK)
        kith_wr_print(w, ": %s", error->message);
    if (info.retransmits > 0)
        kith_wr_print(w, ", retransmissions: %llu", (unsigned long long)info.retransmits);
    if (info.dropped > 0)
        kith_wr_print(w, ", packets or messages dropped: %llu", (unsigned long long)info.dropped);
}

/* Codecs of a section that are named. */
#define MAX_NAMES 8

static void tell_no_codec(kith_writer *w, const kith_sdp_media *remote)
{
    kith_wr_print(w, "\n%s (mid %s): no codec in common, the peer has", remote->kind,
                  remote->mid ? remote->mid : "none");
    size_t named = 0;
    uint8_t apt;
    for (size_t i = 0; i < remote->rtpmaps.count && named < MAX_NAMES; i++) {
        const kith_sdp_rtpmap *map = &remote->rtpmaps.items[i];
        if (!kith_codec_is_rtx(remote, map->payload_type, &apt))
            kith_wr_print(w, "%s %s/%u", named++ > 0 ? "," : "", map->name,
                          (unsigned)map->clock_rate);
    }
    if (named == 0)
        kith_wr_text(w, " none by name");
}

/* Do the two sides of a section of media have a codec in common? */
static bool has_common_codec(const kith_codec_set *set, const kith_sdp_media *ours,
                             const kith_sdp_media *theirs)
{
    kith_codec_use a[KITH_CODEC_MAX_USES], b[KITH_CODEC_MAX_USES];
    size_t a_count = kith_codecs_of(set, ours, a), b_count = kith_codecs_of(set, theirs, b);
    for (size_t i = 0; i < a_count; i++)
        for (size_t j = 0; j < b_count; j++)
            if (a[i].row == b[j].row)
                return true;
    return false;
}

static void tell_media(kith_writer *w, const kith_pc *pc)
{
    const kith_description *local = pc->jsep.current_local, *remote = pc->jsep.current_remote;
    const kith_transport *t = kith_pc_transport(pc);
    for (size_t i = 0; local && remote && i < remote->sdp->media.count; i++) {
        const kith_sdp_media *theirs = remote->sdp->media.items[i];
        if (kith_sdp_is_rtp(theirs) && !kith_sdp_is_rejected(theirs) &&
            !has_common_codec(&pc->transceivers.codecs, local->sdp->media.items[i], theirs))
            tell_no_codec(w, theirs);
    }
    if (!t->media || !t->dtls || kith_dtls_get_state(t->dtls) != KITH_DTLS_CONNECTED)
        return;
    const kith_rtp_counters *counters = kith_rtp_get_counters(t->media->rtp);
    uint64_t unknown =
        counters->unknown_mid + counters->unknown_payload_type + counters->unknown_ssrc;
    if (!t->media->srtp)
        kith_wr_text(w, t->media->is_short_of_memory
                            ? "\nno audio and video: out of memory"
                            : "\nno audio and video: DTLS agreed on no SRTP profile");
    if (unknown > 0)
        kith_wr_print(w, "\nRTP packets of no section dropped: %llu", (unsigned long long)unknown);
}

/* RFC 8083. */
static void tell_breakers(kith_writer *w, const kith_pc *pc)
{
    static const char *const reasons[] = {
        [KITH_RTP_UNREPORTED] = "for 15 s the peer reported on nothing that was sent",
        [KITH_RTP_NOT_ARRIVING] = "by the peer's reports nothing of it arrives",
        [KITH_RTP_CONGESTED] = "the network loses far too much of it for its rate",
    };
    KITH_LIST_EACH(&pc->transceivers.all, node) {
        const kith_transceiver *t = KITH_OWNER(node, kith_transceiver, in_pc);
        kith_rtp_out_info info = {.pause = KITH_RTP_NOT_PAUSED};
        if (t->sender.out)
            kith_rtp_out_get_info(t->sender.out, &info);
        if (info.pause != KITH_RTP_NOT_PAUSED)
            kith_wr_print(w, "\n%s (mid %s) is paused by a circuit breaker: %s",
                          kith_media_kind_name(t->kind), kith_transceiver_mid(t),
                          reasons[info.pause]);
    }
}

const char *kith_pc_why_failed(kith_pc *pc)
{
    kith_writer w = kith_wr_growing();
    tell_descriptions(&w, pc);
    tell_ice(&w, pc);
    tell_dtls(&w, kith_pc_transport(pc));
    tell_sctp(&w, kith_pc_transport(pc));
    tell_media(&w, pc);
    tell_breakers(&w, pc);
    char *text = kith_wr_take_text(&w);
    if (!text)
        return "out of memory";
    kith_free(pc->why);
    pc->why = text;
    return text;
}

/* kith_pc_why_failed: the story of a connection that does not come about, from the descriptions up
 * to SCTP, for a person to read. */
#include "base/memory.h"
#include "base/writer.h"
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
        kith_wr_print(w, "\n  %s -> %s: %s%s%s, %llu checks sent, %llu answered",
                      kith_address_format(&pair.path.local, local, sizeof local),
                      kith_address_format(&pair.path.remote, remote, sizeof remote), pair.state,
                      pair.why_failed ? ": " : "", pair.why_failed ? pair.why_failed : "",
                      (unsigned long long)pair.requests_sent,
                      (unsigned long long)pair.responses_received);
    }
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
        kith_wr_print(w, ", %llu that no check can reach (not UDP, or an address of nobody)",
                      (unsigned long long)counters->candidates_unusable);
    tell_pairs(w, ice);
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
    static const char *const names[] = {"connecting", "connected", "closed"};
    if (!t->sctp)
        return;
    const kith_error *error = kith_sctp_get_error(t->sctp);
    kith_sctp_info info;
    kith_sctp_get_info(t->sctp, &info);
    kith_wr_print(w, "\nSCTP is %s", names[kith_sctp_get_state(t->sctp)]);
    if (error->err != KITH_OK)
        kith_wr_print(w, ": %s", error->message);
    if (info.retransmits > 0)
        kith_wr_print(w, ", retransmissions: %llu", (unsigned long long)info.retransmits);
    if (info.dropped > 0)
        kith_wr_print(w, ", packets or messages dropped: %llu", (unsigned long long)info.dropped);
}

const char *kith_pc_why_failed(kith_pc *pc)
{
    kith_writer w = kith_wr_growing();
    tell_descriptions(&w, pc);
    tell_ice(&w, pc);
    tell_dtls(&w, kith_pc_transport(pc));
    tell_sctp(&w, kith_pc_transport(pc));
    char *text = kith_wr_take_text(&w);
    if (!text)
        return "out of memory";
    kith_free(pc->why);
    pc->why = text;
    return text;
}

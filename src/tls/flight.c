/* Our last flight, kept until it is answered. RFC 6347 section 4.2.4, state WAITING: who "reads a
 * retransmitted flight from the peer" sends its own again, for that is what was lost. OpenSSL has
 * its timer only, and after twelve timeouts it gives up: on a network that loses much that is early
 * (timer.c).
 *
 * The records go out as they were: to a peer that has some of them they are what a network that
 * doubles datagrams would bring (section 4.1.2.6). */
#include "base/reader.h"
#include "tls/association.h"

/* Flights of WebRTC have two to four kilobytes. */
#define MOST 16384

void kith_dtls_flight_begin(kith_dtls *dtls)
{
    dtls->is_making_flight = dtls->is_flight_old = true;
}

bool kith_dtls_flight_end(kith_dtls *dtls)
{
    dtls->is_making_flight = false;
    if (dtls->is_flight_old)
        return false;
    dtls->flight_sent_at = dtls->now;
    return true;
}

void kith_dtls_flight_keep(kith_dtls *dtls, kith_span record)
{
    if (!dtls->is_making_flight)
        return;
    if (dtls->is_flight_old)
        dtls->flight.len = 0;
    dtls->is_flight_old = false;
    if (record.len <= MOST - dtls->flight.len)
        kith_wr_span(&dtls->flight, record);
}

static bool is_answered(const kith_dtls *dtls, const kith_dtls_record *record)
{
    kith_reader r = kith_rd(record->body.data, record->body.len);
    kith_rd_skip(&r, 4); /* msg_type, length */
    unsigned message_seq = kith_rd_u16(&r);
    return record->type == KITH_DTLS_HANDSHAKE && record->epoch == 0 && !r.bad &&
           message_seq < dtls->answered;
}

/* Within a round trip of it, what comes was sent before it could have arrived; and within one of
 * the timer there is no hurry. */
static bool is_overdue(const kith_dtls *dtls)
{
    kith_time rtt = dtls->rtt > 0 ? dtls->rtt : dtls->timeout;
    return dtls->now - dtls->flight_sent_at >= rtt && dtls->retransmit_at - dtls->now >= rtt;
}

void kith_dtls_flight_heard(kith_dtls *dtls, const kith_dtls_record *record)
{
    if (is_answered(dtls, record) && is_overdue(dtls))
        kith_dtls_flight_repeat(dtls);
}

void kith_dtls_flight_repeat(kith_dtls *dtls)
{
    /* Without memory for it, or before the last one has left. */
    if (dtls->flight.bad || kith_dtls_outgoing_waits(dtls))
        return;
    kith_span rest = kith_span_of(dtls->flight.data, dtls->flight.len);
    kith_dtls_record ours;
    while (kith_dtls_record_next(&rest, &ours))
        kith_dtls_outgoing_add(dtls, ours.whole);
    dtls->flight_sent_at = dtls->now;
    dtls->counters.retransmits++;
}

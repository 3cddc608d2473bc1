/* The retransmission timer (RFC 6347 section 4.2.4) in kith_time.
 *
 * OpenSSL's own timer reads the wall clock, which may be set back or forth in the middle of a
 * handshake. So its duration is made endless, our deadline decides, and when it has passed
 * OpenSSL's timer is moved into the past and asked to act. Up to OpenSSL 3.1
 * BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT hands out the timer itself; later only a copy comes: there
 * OpenSSL gets the true durations, and a wall clock set back delays a retransmission (dropping it
 * is the only cost of a clock set forward). */
#include <sys/time.h> /* struct timeval only */

#include <openssl/crypto.h>

#include "tls/association.h"

/* RFC 9147 section 5.8.2: "in settings where there is external information (for instance, from an
 * ICE handshake) about the RTT, implementations SHOULD use 1.5 times that RTT estimate", and 400 ms
 * where there is none and latency matters. No less than browsers wait, and no more than the first
 * timeout of RFC 1122. */
#define MIN_TIMEOUT         KITH_MS(50)
#define DEFAULT_TIMEOUT     KITH_MS(400)
#define MAX_INITIAL_TIMEOUT KITH_SECONDS(3)
/* RFC 6347 section 4.2.4.1 doubles the timeout up to a minute; RFC 9147 section 5.8.2 lets
 * real-time protocols be quicker. ICE's consent ends a path after half a minute, and OpenSSL gives
 * up after twelve retransmissions of a flight. So eight of them come soon, for paths that lose
 * much, and the others stretch over the half minute, for paths that are interrupted; and half-way
 * between two of them the flight is sent as it was (flight.c). */
#define SOON             8
#define MAX_TIMEOUT_SOON KITH_MS(1500)
#define MAX_TIMEOUT      KITH_SECONDS(4)
/* An hour in microseconds, for OpenSSL. */
#define ENDLESS 3600000000u

static bool timer_is_ours(void)
{
    return OpenSSL_version_num() < 0x30200000UL;
}

static kith_time initial_timeout(const kith_dtls *dtls)
{
    if (dtls->rtt <= 0)
        return DEFAULT_TIMEOUT;
    if (dtls->rtt >= MAX_INITIAL_TIMEOUT * 2 / 3)
        return MAX_INITIAL_TIMEOUT;
    kith_time timeout = dtls->rtt * 3 / 2;
    return timeout > MIN_TIMEOUT ? timeout : MIN_TIMEOUT;
}

static kith_time next_timeout(const kith_dtls *dtls)
{
    kith_time most = dtls->flight_retransmits <= SOON ? MAX_TIMEOUT_SOON : MAX_TIMEOUT;
    kith_time doubled = dtls->timeout * 2 < most ? dtls->timeout * 2 : most;
    return doubled > dtls->timeout ? doubled : dtls->timeout;
}

void kith_dtls_timer_init(kith_dtls *dtls)
{
    dtls->retransmit_at = KITH_NEVER;
    dtls->timeout = DEFAULT_TIMEOUT;
    dtls->ssl_timer = NULL;
}

/* previous_us 0: a new flight, since the last one was answered; else the timer has expired. */
unsigned int kith_dtls_timer_duration(SSL *ssl, unsigned int previous_us)
{
    kith_dtls *dtls = SSL_get_app_data(ssl);
    if (previous_us == 0) {
        dtls->flight_retransmits = 0;
        dtls->timeout = initial_timeout(dtls);
    } else {
        dtls->counters.retransmits++;
        dtls->flight_retransmits++;
        dtls->timeout = next_timeout(dtls);
    }
    return timer_is_ours() ? ENDLESS : (unsigned int)dtls->timeout;
}

void kith_dtls_timer_set(kith_dtls *dtls, struct timeval *at)
{
    bool running = at->tv_sec != 0 || at->tv_usec != 0;
    dtls->is_ours_next = dtls->flight_retransmits > 0;
    kith_time wait = dtls->is_ours_next ? dtls->timeout / 2 : dtls->timeout;
    dtls->retransmit_at = running ? dtls->now + wait : KITH_NEVER;
    dtls->ssl_timer = running && timer_is_ours() ? at : NULL;
}

bool kith_dtls_timer_fire(kith_dtls *dtls)
{
    if (dtls->is_ours_next) {
        dtls->is_ours_next = false;
        dtls->retransmit_at += dtls->timeout - dtls->timeout / 2;
        kith_dtls_flight_repeat(dtls);
        return true;
    }
    if (dtls->ssl_timer)
        *dtls->ssl_timer = (struct timeval){.tv_sec = 1}; /* 1970: expired, and not "stopped" */
    kith_dtls_flight_begin(dtls);
    long result = DTLSv1_handle_timeout(dtls->ssl);
    kith_dtls_flight_end(dtls);
    if (result == 0) { /* OpenSSL's clock is behind ours: ask again when it says */
        struct timeval left = {0};
        DTLSv1_get_timeout(dtls->ssl, &left);
        kith_time wait = KITH_SECONDS(left.tv_sec) + left.tv_usec;
        dtls->retransmit_at = dtls->now + (wait < KITH_MS(1)      ? KITH_MS(1)
                                           : wait < dtls->timeout ? wait
                                                                  : dtls->timeout);
    }
    return result >= 0;
}

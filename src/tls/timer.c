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

/* With the ICE round trip known: three of them, as RFC 6298 section 2.2 makes of a first
 * measurement (SRTT + 4 * SRTT / 2), but no less than browsers do. */
#define MIN_TIMEOUT KITH_MS(50)
/* Without: RFC 9147 section 5.8.2 recommends 400 ms where latency matters. */
#define DEFAULT_TIMEOUT KITH_MS(400)
/* OpenSSL gives up after twelve retransmissions: with this cap after half a minute. */
#define MAX_TIMEOUT KITH_SECONDS(3)
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
    if (dtls->rtt >= MAX_TIMEOUT / 3)
        return MAX_TIMEOUT;
    return dtls->rtt * 3 > MIN_TIMEOUT ? dtls->rtt * 3 : MIN_TIMEOUT;
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
        dtls->timeout = initial_timeout(dtls);
    } else {
        dtls->counters.retransmits++;
        dtls->timeout = dtls->timeout < MAX_TIMEOUT / 2 ? dtls->timeout * 2 : MAX_TIMEOUT;
    }
    return timer_is_ours() ? ENDLESS : (unsigned int)dtls->timeout;
}

void kith_dtls_timer_set(kith_dtls *dtls, struct timeval *at)
{
    bool running = at->tv_sec != 0 || at->tv_usec != 0;
    dtls->retransmit_at = running ? dtls->now + dtls->timeout : KITH_NEVER;
    dtls->ssl_timer = running && timer_is_ours() ? at : NULL;
}

bool kith_dtls_timer_fire(kith_dtls *dtls)
{
    if (dtls->ssl_timer)
        *dtls->ssl_timer = (struct timeval){.tv_sec = 1}; /* 1970: expired, and not "stopped" */
    long result = DTLSv1_handle_timeout(dtls->ssl);
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

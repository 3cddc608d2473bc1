/* One DTLS association (RFC 6347, 9147 where OpenSSL has it; RFC 5763, 5764, 8122, 8842): handshake,
 * fingerprint check, records for SCTP, keys for SRTP.
 *
 * It sees datagrams of one peer only: who may speak to it is ICE's decision. Nothing is handed up and no
 * key is exported before the remote certificate has matched a fingerprint. */
#ifndef KITH_TLS_DTLS_H
#define KITH_TLS_DTLS_H

#include "base/log.h"
#include "crypto/certificate.h"

typedef struct kith_dtls kith_dtls;

typedef enum kith_dtls_role { KITH_DTLS_CLIENT, KITH_DTLS_SERVER } kith_dtls_role;

/* RTCDtlsTransportState, webrtc-pc section 5.5.1. */
typedef enum kith_dtls_state {
    KITH_DTLS_NEW,
    KITH_DTLS_CONNECTING,
    KITH_DTLS_CONNECTED,
    KITH_DTLS_CLOSED,
    KITH_DTLS_FAILED,
} kith_dtls_state;

#define KITH_DTLS_MAX_FINGERPRINTS 16

typedef struct kith_dtls_config {
    kith_certificate *certificate; /* referenced */
    kith_dtls_role role;
    /* What the remote description announced; the certificate must match one of the most preferred
     * hash that both know (RFC 8122 section 5). At least one. */
    const kith_fingerprint *fingerprints;
    size_t fingerprint_count;
    size_t mtu;    /* largest datagram, UDP payload bytes: 1200 */
    kith_log *log; /* borrowed */
} kith_dtls_config;

KITH_MUST_CHECK kith_err kith_dtls_new(kith_dtls **out, const kith_dtls_config *config);
void kith_dtls_free(kith_dtls *dtls);

/* Commands. */
/* Begins the handshake in the next call with `now`; before it the association neither answers nor sends. */
void kith_dtls_start(kith_dtls *dtls);
/* The ICE round trip, from which the first retransmission timeout is derived. */
void kith_dtls_set_rtt(kith_dtls *dtls, kith_time rtt);
/* Queues close_notify; the state becomes closed. */
void kith_dtls_close(kith_dtls *dtls);

/* A datagram of the peer. `data` must stay until its events are drained. */
void kith_dtls_input(kith_dtls *dtls, kith_time now, const uint8_t *data, size_t len);
/* The next datagram of handshake or alerts, at most mtu bytes; 0: none. */
size_t kith_dtls_output(kith_dtls *dtls, kith_time now, uint8_t *buf, size_t cap);
kith_time kith_dtls_deadline(const kith_dtls *dtls);
void kith_dtls_tick(kith_dtls *dtls, kith_time now);

/* One record with `data`, encrypted straight into buf; 0 unless connected, or when cap is too small. */
size_t kith_dtls_send(kith_dtls *dtls, const uint8_t *data, size_t len, uint8_t *buf, size_t cap);
/* Bytes that a record adds to its data at most. */
#define KITH_DTLS_OVERHEAD 64

typedef enum kith_dtls_event_type {
    KITH_DTLS_EV_STATE,
    KITH_DTLS_EV_DATA, /* one decrypted record; borrowed until the next call */
} kith_dtls_event_type;

typedef struct kith_dtls_event {
    kith_dtls_event_type type;
    kith_dtls_state state;
    kith_span data;
} kith_dtls_event;

bool kith_dtls_event_next(kith_dtls *dtls, kith_dtls_event *ev);

kith_dtls_state kith_dtls_get_state(const kith_dtls *dtls);
kith_dtls_role kith_dtls_get_role(const kith_dtls *dtls);
/* Why it failed: KITH_ERROR_DETAIL_DTLS_FAILURE or _FINGERPRINT_FAILURE with the alerts; err is KITH_OK
 * when it did not. */
const kith_error *kith_dtls_get_error(const kith_dtls *dtls);
/* The peer's certificate in DER, empty before it was shown. Borrowed. */
kith_span kith_dtls_remote_certificate(const kith_dtls *dtls);

/* What was negotiated (RTCTransportStats): "FEFD" and such, the IANA name of the cipher suite, "" before. */
const char *kith_dtls_version(const kith_dtls *dtls);
const char *kith_dtls_cipher(const kith_dtls *dtls);
/* use_srtp (RFC 5764 section 4.1.2): the profile agreed on, 0 when none. */
uint16_t kith_dtls_srtp_profile(const kith_dtls *dtls);
const char *kith_dtls_srtp_cipher(
    const kith_dtls *dtls); /* "AES_CM_128_HMAC_SHA1_80"; "" when none */
/* Master keys and salts of both directions by "EXTRACTOR-dtls_srtp" (RFC 5764 section 4.2). False unless
 * connected with a profile. `out` is wiped by the caller (kith_wipe). */
typedef struct kith_srtp_keys {
    uint8_t client_key[32], server_key[32], client_salt[14], server_salt[14];
    size_t key_len, salt_len;
} kith_srtp_keys;
bool kith_dtls_export_srtp_keys(kith_dtls *dtls, kith_srtp_keys *out);

typedef struct kith_dtls_counters {
    uint64_t records_dropped; /* not decrypted, replayed or malformed */
    uint64_t retransmits;
} kith_dtls_counters;
const kith_dtls_counters *kith_dtls_get_counters(const kith_dtls *dtls);

#endif

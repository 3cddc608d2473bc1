/* One association of DTLS 1.2 (RFC 6347, 5763, 5764, 8122, 8842): handshake, fingerprint check,
 * records for SCTP, keys for SRTP.
 *
 * It sees datagrams of one peer only: who may speak to it is ICE's decision. Nothing is handed up
 * and no key is exported before the remote certificate has matched a fingerprint. What an outsider
 * could forge (junk, plaintext alerts, a hello that nobody can answer) is dropped and counted; it
 * never ends an association whose peer is heard. */
#ifndef KITH_TLS_DTLS_H
#define KITH_TLS_DTLS_H

#include "base/log.h"
#include "crypto/certificate.h"
#include "crypto/srtp_keys.h"
#include "kith/transport.h"
#include "tls/record.h"

typedef struct kith_dtls kith_dtls;

typedef enum kith_dtls_role { KITH_DTLS_CLIENT, KITH_DTLS_SERVER } kith_dtls_role;

/* RTCDtlsTransportState, webrtc-pc section 5.5.1. */
typedef enum kith_dtls_state {
    KITH_DTLS_NEW = KITH_DTLS_TRANSPORT_STATE_NEW,
    KITH_DTLS_CONNECTING = KITH_DTLS_TRANSPORT_STATE_CONNECTING,
    KITH_DTLS_CONNECTED = KITH_DTLS_TRANSPORT_STATE_CONNECTED,
    KITH_DTLS_CLOSED = KITH_DTLS_TRANSPORT_STATE_CLOSED,
    KITH_DTLS_FAILED = KITH_DTLS_TRANSPORT_STATE_FAILED,
} kith_dtls_state;

/* As W3C spells it. */
const char *kith_dtls_state_name(kith_dtls_state state);

#define KITH_DTLS_MAX_FINGERPRINTS 16
/* The smallest mtu that OpenSSL packs a flight into. */
#define KITH_DTLS_MIN_MTU 256

typedef struct kith_dtls_config {
    /* Each is referenced. Of those with the same kind of key the first is shown, and which kind,
     * the handshake decides: the peer must have been given the fingerprints of all. At least one.
     */
    kith_certificate *const *certificates;
    size_t certificate_count;
    kith_dtls_role role;
    /* What the remote description announced; the certificate must match one of the most preferred
     * hash that both know (RFC 8122 section 5). At least one, copied. */
    const kith_fingerprint *fingerprints;
    size_t fingerprint_count;
    /* largest datagram, UDP payload bytes: 1200; at least KITH_DTLS_MIN_MTU */
    size_t mtu;
    /* borrowed */
    kith_log *log;
} kith_dtls_config;

/* KITH_ERR_TYPE without certificate or fingerprint, KITH_ERR_RANGE for too many fingerprints or a
 * small mtu, KITH_ERR_NOT_SUPPORTED when no announced hash may be used. */
KITH_MUST_CHECK kith_err kith_dtls_new(kith_dtls **out, const kith_dtls_config *config);
void kith_dtls_free(kith_dtls *dtls);

/* Commands. */
/* Begins the handshake in the next call with `now`; before it the association neither answers nor
 * sends, and drops what comes. */
void kith_dtls_start(kith_dtls *dtls);
/* The ICE round trip, from which the first retransmission timeout is derived. */
void kith_dtls_set_rtt(kith_dtls *dtls, kith_time rtt);
/* Queues close_notify; the state becomes closed. */
void kith_dtls_close(kith_dtls *dtls);

/* Does the datagram begin with a handshake message in the clear, as a peer's first flight does? */
bool kith_dtls_is_first_flight(const uint8_t *data, size_t len);
/* A datagram of the peer. `data` must stay until its events are drained. */
void kith_dtls_input(kith_dtls *dtls, kith_time now, const uint8_t *data, size_t len);
/* The next datagram of handshake or alerts, at most mtu bytes; 0: none, or cap is below mtu. */
size_t kith_dtls_output(kith_dtls *dtls, kith_time now, uint8_t *buf, size_t cap);
kith_time kith_dtls_deadline(const kith_dtls *dtls);
void kith_dtls_tick(kith_dtls *dtls, kith_time now);

/* One record with `data`, encrypted straight into buf; 0 unless connected, when len is 0 or above
 * what one record of this association holds, or when cap is below len + KITH_DTLS_OVERHEAD. */
size_t kith_dtls_send(kith_dtls *dtls, const uint8_t *data, size_t len, uint8_t *buf, size_t cap);
/* Bytes that a record adds to its data at most: header 13, explicit nonce 8, tag 16 (RFC 5288). */
#define KITH_DTLS_OVERHEAD 37

typedef enum kith_dtls_event_type {
    KITH_DTLS_EV_STATE,
    /* one decrypted record, in the buffer of the call */
    KITH_DTLS_EV_DATA,
} kith_dtls_event_type;

typedef struct kith_dtls_event {
    kith_dtls_event_type type;
    kith_dtls_state state;
    kith_span data;
} kith_dtls_event;

/* Decrypts into buf as it is asked: reading an event may queue output (the answer to close_notify).
 * What is longer than cap is dropped; no record holds more than KITH_DTLS_MAX_DATA. */
bool kith_dtls_event_next(kith_dtls *dtls, kith_dtls_event *ev, uint8_t *buf, size_t cap);

kith_dtls_state kith_dtls_get_state(const kith_dtls *dtls);
kith_dtls_role kith_dtls_get_role(const kith_dtls *dtls);
/* Why it failed: KITH_ERROR_DETAIL_DTLS_FAILURE or _FINGERPRINT_FAILURE with the alerts; err is
 * KITH_OK when it did not. */
const kith_error *kith_dtls_get_error(const kith_dtls *dtls);
/* Which of ours the peer was shown, once connected. Borrowed. */
const kith_certificate *kith_dtls_local_certificate(const kith_dtls *dtls);
/* The peer's certificate in DER, empty before it was shown. Borrowed. */
kith_span kith_dtls_remote_certificate(const kith_dtls *dtls);

/* What was negotiated (RTCTransportStats): "FEFD" and such, the IANA name of the cipher suite, ""
 * before. */
const char *kith_dtls_version(const kith_dtls *dtls);
const char *kith_dtls_cipher(const kith_dtls *dtls);
/* use_srtp (RFC 5764 section 4.1.2): the profile agreed on, 0 when none. */
uint16_t kith_dtls_srtp_profile(const kith_dtls *dtls);
/* Its name in the IANA registry, "SRTP_AEAD_AES_128_GCM" (RTCTransportStats.srtpCipher); "" when
 * none. */
const char *kith_dtls_srtp_cipher(const kith_dtls *dtls);
/* Master keys and salts of both directions by "EXTRACTOR-dtls_srtp" (RFC 5764 section 4.2). False
 * unless connected with a profile. `out` is wiped by the caller (kith_wipe). */
bool kith_dtls_export_srtp_keys(const kith_dtls *dtls, kith_srtp_keys *out);

typedef struct kith_dtls_counters {
    /* not decrypted, replayed, malformed or perhaps not the peer's */
    uint64_t records_dropped;
    /* of ours, for want of room in the queue */
    uint64_t records_lost;
    /* flights sent again */
    uint64_t retransmits;
} kith_dtls_counters;
const kith_dtls_counters *kith_dtls_get_counters(const kith_dtls *dtls);

#endif

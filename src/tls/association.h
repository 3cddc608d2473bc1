/* The inside of a kith_dtls and what the files of this room say to each other; nobody else includes
 * it. */
#ifndef KITH_TLS_ASSOCIATION_H
#define KITH_TLS_ASSOCIATION_H

#include <openssl/ssl.h>

#include "base/ring.h"
#include "base/writer.h"
#include "tls/dtls.h"
#include "tls/gate.h"
#include "tls/protection.h"
#include "tls/record.h"

struct timeval;
typedef struct kith_srtp_profile kith_srtp_profile;

/* What would end the handshake, from somebody who may not be the peer: a plaintext alert, a hello
 * that cannot be answered. It counts only when nothing else comes. */
struct kith_dtls_suspected_failure {
    /* KITH_NEVER: there is none */
    kith_time until;
    int received_alert, sent_alert;
    char message[128];
};

/* Finished: the header of RFC 6347 section 4.2.2, and 12 bytes of verify_data. */
#define KITH_DTLS_FINISHED 24

/* What OpenSSL wrote in epoch 1. */
struct kith_dtls_written {
    /* of the next record; GCM's nonce_explicit of the next record */
    uint64_t sequence, explicit_nonce;
    /* a nonce_explicit was not the one that follows the last */
    bool is_nonce_no_counter;
    /* the record of our Finished, or of its last fragment */
    uint8_t finished[KITH_DTLS_OVERHEAD + KITH_DTLS_FINISHED];
    size_t finished_len;
};

struct kith_dtls {
    /* NULL when the handshake is over */
    SSL *ssl;
    /* one of each kind of key */
    kith_certificate *certificates[2];
    size_t certificate_count;
    /* which of them the peer saw */
    size_t shown;
    kith_dtls_role role;
    kith_log *log;
    size_t mtu, max_fragment;
    /* of the call we are in */
    kith_time now;

    kith_dtls_state state;
    /* state changes not yet taken as events */
    kith_dtls_state pending[4];
    size_t pending_count;
    /* kith_dtls_start was called; begins with the next `now` */
    bool starting;

    /* Authentication: the announced fingerprints of the preferred hash; the certificate that came.
     */
    kith_fingerprint *fingerprints;
    size_t fingerprint_count;
    /* refused: a certificate came and matched none */
    bool verified, refused;
    uint8_t *remote_der;
    size_t remote_der_len;

    /* Retransmission (timer.c). */
    /* 0: unknown */
    kith_time rtt;
    kith_time timeout;
    /* of the flight that waits for its answer */
    unsigned flight_retransmits;
    kith_time retransmit_at;
    /* the next retransmission is of the flight as it was, and not OpenSSL's */
    bool is_ours_next;
    /* OpenSSL's own, where it may be set; else NULL */
    struct timeval *ssl_timer;
    /* Records of the flight that waits for its answer, as they were sent last; empty when
     * connected. */
    kith_writer flight;
    kith_time flight_sent_at;
    /* the peer's messages that it answers have numbers below this */
    unsigned answered;
    /* OpenSSL is making a flight, and what is kept is the one before */
    bool is_making_flight, is_flight_old;

    /* Input. */
    kith_dtls_gate gate;
    /* the one record that the BIO gives next */
    kith_span incoming;
    /* what the next record of epoch 0 is numbered */
    uint32_t plaintext_seq;
    /* records of data that came before the Finished */
    kith_ring early;
    /* the rest of the datagram that events are read from */
    kith_span unread;
    struct kith_dtls_suspected_failure suspected;

    /* Records of ours that wait. */
    kith_ring outgoing;
    struct kith_dtls_written written;
    /* of our next record in the clear */
    uint64_t plaintext_sequence;

    /* Connected. */
    kith_dtls_write_state write;
    kith_dtls_read_state read;
    /* of the peer's Finished */
    uint64_t finished_sequence;
    /* ours */
    uint8_t finished[KITH_DTLS_FINISHED];
    const kith_srtp_profile *srtp_profile;
    kith_srtp_keys srtp_keys;

    /* four hexadecimal digits, "" before */
    char version[5];
    const char *cipher;
    int received_alert, sent_alert;
    kith_error error;
    kith_dtls_counters counters;
};

/* dtls.c */
void kith_dtls_set_state(kith_dtls *dtls, kith_dtls_state state);
void kith_dtls_fail(kith_dtls *dtls, kith_error_detail detail, const char *message);

/* handshake.c */
/* False: no memory, or OpenSSL refuses a certificate and says why. */
KITH_MUST_CHECK bool kith_dtls_handshake_init(kith_dtls *dtls, const kith_dtls_config *config);
/* What only a handshake needs; more than once is no harm. */
void kith_dtls_handshake_deinit(kith_dtls *dtls);
/* Begins, or lets OpenSSL look at dtls->incoming. */
void kith_dtls_handshake_advance(kith_dtls *dtls);
/* Records until the datagram ends or the handshake does; what is left then is read as events. */
void kith_dtls_handshake_input(kith_dtls *dtls, kith_span datagram);
void kith_dtls_handshake_tick(kith_dtls *dtls);
void kith_dtls_note_written(kith_dtls *dtls, const kith_dtls_record *record);
/* Before a call of OpenSSL's whose error is asked for, and after one that failed. */
void kith_dtls_clear_errors(void);

/* negotiated.c: what OpenSSL knows of SRTP; false: no memory. */
KITH_MUST_CHECK bool kith_dtls_take_srtp(kith_dtls *dtls);

/* context.c: the SSL_CTX that all associations share, made at the first call; NULL: no memory. */
SSL_CTX *kith_dtls_context(void);

/* bio.c */
BIO *kith_dtls_bio_new(kith_dtls *dtls);
/* A datagram of the oldest records; 0: none, or cap is too small. */
size_t kith_dtls_outgoing_take(kith_dtls *dtls, uint8_t *buf, size_t cap);
bool kith_dtls_outgoing_waits(const kith_dtls *dtls);
void kith_dtls_outgoing_clear(kith_dtls *dtls);
void kith_dtls_outgoing_add(kith_dtls *dtls, kith_span record);

/* flight.c: around each call that may make a flight. False: it made none. */
void kith_dtls_flight_begin(kith_dtls *dtls);
bool kith_dtls_flight_end(kith_dtls *dtls);
void kith_dtls_flight_keep(kith_dtls *dtls, kith_span record);
void kith_dtls_flight_repeat(kith_dtls *dtls);
/* A record of the peer's passed the gate: if the peer says again what our flight answers, the
 * flight was lost and is sent again. */
void kith_dtls_flight_heard(kith_dtls *dtls, const kith_dtls_record *record);

/* verify.c: SSL_CTX_set_cert_verify_callback's function. */
int kith_dtls_verify(X509_STORE_CTX *store, void *unused);
/* Copies from `all` those of the most preferred hash (RFC 8122 section 5). */
kith_err kith_dtls_choose_fingerprints(kith_dtls *dtls, const kith_fingerprint *all, size_t count);

/* timer.c */
void kith_dtls_timer_init(kith_dtls *dtls);
/* DTLS_set_timer_cb's function, and BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT. */
unsigned int kith_dtls_timer_duration(SSL *ssl, unsigned int previous_us);
void kith_dtls_timer_set(kith_dtls *dtls, struct timeval *at);
/* The deadline has passed: sends the flight again; false when OpenSSL gives up. */
bool kith_dtls_timer_fire(kith_dtls *dtls);

#endif

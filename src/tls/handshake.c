/* The handshake, which OpenSSL does: this file decides what it may see (gate.c), when it acts
 * (timer.c, flight.c) and when its opinion counts. Once connected, OpenSSL's object is freed: what
 * it knows is taken over here, and the records of the association are our own (protection.c). */
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/reader.h"
#include "tls/association.h"

/* How long a peer must be silent until a plaintext alert or an unanswerable hello counts. A peer
 * that lives repeats its flight at least three times in it, at 1, 3 and 7 s after RFC 6347 section
 * 4.2.4.1. */
#define SUSPICION_TIME KITH_SECONDS(10)
/* Data that has overtaken the server's Finished: an INIT of SCTP, seldom more. */
#define EARLY_LIMIT 4096
/* RFC 5246 section 7.4.9, with every suite of ours. */
#define VERIFY_DATA 12

/* ERR_clear_error walks an empty queue as well, at 85 ns. */
void kith_dtls_clear_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

/* OpenSSL's own sentence for what it has just refused. */
static void describe_error(char *out, size_t cap)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    snprintf(out, cap, "DTLS: %s", reason ? reason : "the handshake failed");
}

static void fail_by_openssl(kith_dtls *dtls)
{
    char message[128];
    describe_error(message, sizeof message);
    if (dtls->refused)
        kith_dtls_fail(dtls, KITH_ERROR_DETAIL_FINGERPRINT_FAILURE,
                       "the remote certificate matches none of the announced fingerprints");
    else
        kith_dtls_fail(dtls, KITH_ERROR_DETAIL_DTLS_FAILURE, message);
}

/* OpenSSL has a place for one certificate of each kind of key. */
static void choose_certificates(kith_dtls *dtls, const kith_dtls_config *config)
{
    int chosen = EVP_PKEY_NONE;
    for (size_t i = 0; i < config->certificate_count && dtls->certificate_count < 2; i++) {
        int kind = EVP_PKEY_get_base_id(kith_certificate_key(config->certificates[i]));
        if (kind == chosen)
            continue;
        chosen = kind;
        dtls->certificates[dtls->certificate_count++] =
            kith_certificate_ref(config->certificates[i]);
    }
}

static bool show_certificates(const kith_dtls *dtls, SSL *ssl)
{
    for (size_t i = 0; i < dtls->certificate_count; i++)
        if (SSL_use_certificate(ssl, kith_certificate_x509(dtls->certificates[i])) != 1 ||
            SSL_use_PrivateKey(ssl, kith_certificate_key(dtls->certificates[i])) != 1)
            return false;
    return true;
}

/* ---- the SSL object ---- */

static SSL *open_ssl(kith_dtls *dtls)
{
    SSL_CTX *context = kith_dtls_context();
    SSL *ssl = context ? SSL_new(context) : NULL;
    BIO *bio = ssl ? kith_dtls_bio_new(dtls) : NULL;
    if (!bio) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, dtls);
    DTLS_set_timer_cb(ssl, kith_dtls_timer_duration);
    if (dtls->role == KITH_DTLS_SERVER)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    if (!show_certificates(dtls, ssl) || SSL_set_mtu(ssl, (long)dtls->mtu) != (long)dtls->mtu ||
        SSL_set_max_send_fragment(ssl, (long)dtls->max_fragment) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

bool kith_dtls_handshake_init(kith_dtls *dtls, const kith_dtls_config *config)
{
    choose_certificates(dtls, config);
    dtls->gate.role = config->role;
    dtls->suspected.until = KITH_NEVER;
    dtls->flight = kith_wr_growing();
    kith_ring_init(&dtls->early, EARLY_LIMIT);
    kith_dtls_timer_init(dtls);
    dtls->ssl = open_ssl(dtls);
    return dtls->ssl;
}

void kith_dtls_handshake_deinit(kith_dtls *dtls)
{
    SSL_free(dtls->ssl); /* wipes its own keys */
    dtls->ssl = NULL;
    dtls->ssl_timer = NULL;
    dtls->retransmit_at = dtls->suspected.until = KITH_NEVER;
    kith_wr_deinit(&dtls->flight);
    kith_wipe(&dtls->written, sizeof dtls->written);
}

/* ---- from OpenSSL's records to ours ---- */

/* Every record that OpenSSL makes passes here. What it has encrypted and not handed out nobody has
 * seen, so no number of it can be used twice. */
void kith_dtls_note_written(kith_dtls *dtls, const kith_dtls_record *record)
{
    struct kith_dtls_written *written = &dtls->written;
    if (record->epoch == 0) {
        dtls->plaintext_sequence = record->sequence + 1;
        return;
    }
    kith_reader r = kith_rd(record->body.data, record->body.len);
    uint64_t nonce = kith_rd_u64(&r);
    bool is_first = written->sequence == 0;
    if (!is_first && nonce != written->explicit_nonce)
        written->is_nonce_no_counter = true;
    written->sequence = record->sequence + 1;
    written->explicit_nonce = nonce + 1;
    if (record->type == KITH_DTLS_HANDSHAKE && record->whole.len <= sizeof written->finished) {
        memcpy(written->finished, record->whole.data, record->whole.len);
        written->finished_len = record->whole.len;
    }
}

/* Our records of epoch 1 are numbered behind OpenSSL's. GCM's nonce_explicit must differ from every
 * one that OpenSSL has used under this key. OpenSSL begins with a random one and counts upwards (so
 * epoch and sequence number, as other libraries have it, would differ only most probably): ours
 * begin behind its last. That all of its were consecutive is looked at, record by record; where
 * they are not, there is no connection. 2^48 of ours behind them do not come round to them. */
static bool number_records(kith_dtls *dtls)
{
    const struct kith_dtls_written *written = &dtls->written;
    dtls->write.sequence = written->sequence;
    dtls->write.explicit_nonce = written->explicit_nonce;
    return dtls->write.suite->explicit_len == 0 || !written->is_nonce_no_counter;
}

/* A fragment of our Finished (RFC 6347 section 4.2.2): OpenSSL from 3.2 on cuts it where a datagram
 * ends. With verify_data it makes the whole message. */
static bool complete_finished(uint8_t out[KITH_DTLS_FINISHED], kith_span fragment,
                              const uint8_t verify_data[VERIFY_DATA])
{
    kith_reader r = kith_rd(fragment.data, fragment.len);
    uint8_t type = kith_rd_u8(&r);
    uint32_t length = kith_rd_u24(&r);
    uint16_t message_seq = kith_rd_u16(&r);
    uint32_t offset = kith_rd_u24(&r);
    kith_span part = kith_rd_span(&r, kith_rd_u24(&r));
    if (r.bad || type != SSL3_MT_FINISHED || length != VERIFY_DATA || offset > VERIFY_DATA ||
        part.len == 0 || part.len > VERIFY_DATA - offset ||
        memcmp(part.data, verify_data + offset, part.len) != 0)
        return false;
    const uint8_t header[] = {SSL3_MT_FINISHED,
                              0,
                              0,
                              VERIFY_DATA,
                              (uint8_t)(message_seq >> 8),
                              (uint8_t)message_seq,
                              0,
                              0,
                              0,
                              0,
                              0,
                              VERIFY_DATA};
    memcpy(out, header, sizeof header);
    memcpy(out + sizeof header, verify_data, VERIFY_DATA);
    return true;
}

/* What OpenSSL wrote last of our Finished opens with our own write keys: that proves them, and
 * gives the number of the message that a repeated final flight needs (RFC 6347 section 4.2.4). */
static bool keep_finished(kith_dtls *dtls, const kith_dtls_write_keys *keys)
{
    kith_span written = kith_span_of(dtls->written.finished, dtls->written.finished_len), fragment;
    uint8_t verify_data[VERIFY_DATA], plain[KITH_DTLS_FINISHED];
    kith_dtls_record record;
    kith_dtls_read_state own;
    bool kept = SSL_get_finished(dtls->ssl, verify_data, sizeof verify_data) == VERIFY_DATA &&
                kith_dtls_record_next(&written, &record) &&
                kith_dtls_read_state_init(&own, dtls->write.suite, keys);
    if (kept) {
        kept = kith_dtls_open(&own, &record, plain, sizeof plain, &fragment) &&
               complete_finished(dtls->finished, fragment, verify_data);
        kith_dtls_read_state_deinit(&own);
    }
    return kept;
}

static bool take_keys(kith_dtls *dtls, const kith_dtls_suite *suite)
{
    kith_dtls_security_parameters p = {.suite = suite};
    kith_dtls_write_keys client = {0}, server = {0};
    bool is_client = dtls->role == KITH_DTLS_CLIENT;
    const kith_dtls_write_keys *ours = is_client ? &client : &server;
    const kith_dtls_write_keys *theirs = is_client ? &server : &client;
    SSL_get_client_random(dtls->ssl, p.client_random, sizeof p.client_random);
    SSL_get_server_random(dtls->ssl, p.server_random, sizeof p.server_random);
    bool taken = SSL_SESSION_get_master_key(SSL_get_session(dtls->ssl), p.master_secret,
                                            sizeof p.master_secret) == sizeof p.master_secret &&
                 kith_dtls_derive_keys(&p, &client, &server) &&
                 kith_dtls_write_state_init(&dtls->write, suite, ours) &&
                 kith_dtls_read_state_init(&dtls->read, suite, theirs) && number_records(dtls) &&
                 keep_finished(dtls, ours);
    kith_wipe(&p, sizeof p);
    kith_wipe(&client, sizeof client);
    kith_wipe(&server, sizeof server);
    return taken;
}

static const kith_dtls_suite *suite_of(const SSL_CIPHER *cipher)
{
    return cipher ? kith_dtls_suite_find(SSL_CIPHER_get_protocol_id(cipher)) : NULL;
}

static void note_shown_certificate(kith_dtls *dtls)
{
    const X509 *shown = SSL_get_certificate(dtls->ssl);
    for (size_t i = 0; i < dtls->certificate_count; i++)
        if (kith_certificate_x509(dtls->certificates[i]) == shown)
            dtls->shown = i;
}

static void connected(kith_dtls *dtls)
{
    const kith_dtls_suite *suite = suite_of(SSL_get_current_cipher(dtls->ssl));
    if (!dtls->verified) { /* no path of OpenSSL's leads here; the one gate all the same */
        kith_dtls_fail(dtls, KITH_ERROR_DETAIL_FINGERPRINT_FAILURE,
                       "the peer showed no certificate");
        return;
    }
    if (!suite || !take_keys(dtls, suite) || !kith_dtls_take_srtp(dtls)) {
        kith_dtls_fail(dtls, KITH_ERROR_DETAIL_DTLS_FAILURE,
                       "the keys of the DTLS association could not be taken over");
        return;
    }
    /* The record of epoch 1 with which OpenSSL's handshake was over. It is the only one that
     * OpenSSL has opened, unless the Finished came in fragments: replayed, an earlier one brings
     * back the final flight, once. */
    kith_dtls_mark_received(&dtls->read, dtls->finished_sequence);
    note_shown_certificate(dtls);
    dtls->cipher = suite->name;
    snprintf(dtls->version, sizeof dtls->version, "%04X",
             (unsigned)SSL_version(dtls->ssl) & 0xffff);
    KITH_LOG(dtls->log, INFO, "dtls: connected as %s, %s, %s%s",
             dtls->role == KITH_DTLS_SERVER ? "server" : "client", dtls->version, dtls->cipher,
             SSL_get_extms_support(dtls->ssl) == 1 ? "" : ", no extended master secret");
    kith_dtls_set_state(dtls, KITH_DTLS_CONNECTED);
}

/* ---- failures that may not be the peer's ---- */

static void suspect_failure(kith_dtls *dtls, const char *message)
{
    if (dtls->suspected.until == KITH_NEVER) {
        dtls->suspected.until = dtls->now + SUSPICION_TIME;
        dtls->suspected.received_alert = dtls->suspected.sent_alert = -1;
    }
    snprintf(dtls->suspected.message, sizeof dtls->suspected.message, "%s", message);
}

/* A server could not answer a hello (only NULL ciphers, say). If an outsider sent it the peer's own
 * will come; so OpenSSL, which is ruined by it, is replaced, and the refusal is kept back. */
static void refuse_hello(kith_dtls *dtls)
{
    char message[128];
    describe_error(message, sizeof message);
    kith_dtls_clear_errors();
    SSL *fresh = open_ssl(dtls);
    if (!fresh) {
        kith_dtls_fail(dtls, KITH_ERROR_DETAIL_DTLS_FAILURE, message);
        return;
    }
    SSL_free(dtls->ssl);
    dtls->ssl = fresh;
    dtls->gate = (kith_dtls_gate){.role = dtls->role};
    dtls->plaintext_seq = 0;
    dtls->answered = 0;
    dtls->counters.records_dropped++;
    kith_dtls_outgoing_clear(dtls);
    kith_dtls_timer_init(dtls);
    suspect_failure(dtls, message);
    dtls->suspected.sent_alert = dtls->sent_alert;
    dtls->sent_alert = -1;
}

static void handshake_failed(kith_dtls *dtls)
{
    bool first_hello = dtls->role == KITH_DTLS_SERVER && !dtls->gate.hello_done;
    if (first_hello && dtls->received_alert == -1)
        refuse_hello(dtls);
    else
        fail_by_openssl(dtls);
}

/* How far OpenSSL has come, and so what makes sense to it. */
static void open_gate(kith_dtls *dtls)
{
    const kith_dtls_suite *suite = suite_of(SSL_get_pending_cipher(dtls->ssl));
    dtls->gate.hello_done = suite;
    dtls->gate.overhead = suite ? kith_dtls_suite_overhead(suite) : 0;
    /* "the peer's ChangeCipherSpec was read". The numbers of OSSL_HANDSHAKE_STATE changed with
     * OpenSSL 3.2 under one soname; its names did not. */
    dtls->gate.keyed = strcmp(SSL_state_string(dtls->ssl), "TRCCS") == 0;
}

/* The peer's messages so far have numbers below this. */
static unsigned heard_messages(const kith_dtls_gate *gate)
{
    unsigned count = KITH_DTLS_GATE_MESSAGES;
    while (count > 0 && gate->announced[count - 1] == 0)
        count--;
    return count;
}

void kith_dtls_handshake_advance(kith_dtls *dtls)
{
    kith_dtls_clear_errors();
    kith_dtls_flight_begin(dtls);
    int result = SSL_do_handshake(dtls->ssl);
    if (kith_dtls_flight_end(dtls))
        dtls->answered = heard_messages(&dtls->gate);
    int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(dtls->ssl, result);
    if (error == SSL_ERROR_NONE) {
        connected(dtls);
    } else if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        open_gate(dtls);
        dtls->suspected.until = KITH_NEVER; /* whoever that was, the peer is well */
    } else {
        handshake_failed(dtls);
    }
    dtls->incoming.len = 0;
    kith_dtls_clear_errors();
}

/* Nothing came since: the plaintext alert was the peer's, or its hello is really beyond us. */
static void confirm_failure(kith_dtls *dtls)
{
    const struct kith_dtls_suspected_failure suspected = dtls->suspected;
    if (suspected.received_alert >= 0)
        dtls->received_alert = suspected.received_alert;
    if (suspected.sent_alert >= 0) {
        /* The record that was kept back: alert, DTLS 1.2, epoch 0, sequence number 0, 2 bytes. */
        const uint8_t record[15] = {
            KITH_DTLS_ALERT, 0xfe, 0xfd, [12] = 2, SSL3_AL_FATAL, (uint8_t)suspected.sent_alert};
        kith_dtls_outgoing_add(dtls, kith_span_of(record, sizeof record));
        dtls->sent_alert = suspected.sent_alert;
    }
    kith_dtls_fail(dtls, KITH_ERROR_DETAIL_DTLS_FAILURE, suspected.message);
}

/* RFC 5246 section 7.2: a fatal alert, or close_notify, in the clear: anyone may have sent it. */
static void take_plain_alert(kith_dtls *dtls, kith_span body)
{
    dtls->counters.records_dropped++;
    if (body.data[0] != SSL3_AL_FATAL && body.data[1] != SSL3_AD_CLOSE_NOTIFY)
        return;
    char message[128];
    snprintf(message, sizeof message, "the peer ended the handshake: %s",
             SSL_alert_desc_string_long(body.data[1]));
    suspect_failure(dtls, message);
    dtls->suspected.received_alert = body.data[1];
}

/* ---- records and time ---- */

static void handshake_record(kith_dtls *dtls, const kith_dtls_record *record)
{
    switch (kith_dtls_gate_judge(&dtls->gate, record)) {
    case KITH_DTLS_PASS:
        kith_dtls_flight_heard(dtls, record);
        if (record->epoch > 0)
            dtls->finished_sequence = record->sequence;
        dtls->incoming = record->whole;
        kith_dtls_handshake_advance(dtls);
        break;
    case KITH_DTLS_PLAIN_ALERT:
        take_plain_alert(dtls, record->body);
        break;
    case KITH_DTLS_EARLY:
        if (!kith_ring_push(&dtls->early, record->whole.data, record->whole.len))
            dtls->counters.records_dropped++;
        break;
    case KITH_DTLS_DROP:
        dtls->counters.records_dropped++;
        break;
    }
}

void kith_dtls_handshake_input(kith_dtls *dtls, kith_span datagram)
{
    kith_dtls_record record;
    while (dtls->state == KITH_DTLS_CONNECTING && kith_dtls_record_next(&datagram, &record))
        handshake_record(dtls, &record);
    if (dtls->state == KITH_DTLS_CONNECTED)
        dtls->unread = datagram;
    else if (datagram.len > 0)
        dtls->counters.records_dropped++;
}

void kith_dtls_handshake_tick(kith_dtls *dtls)
{
    if (dtls->now >= dtls->suspected.until)
        confirm_failure(dtls);
    if (dtls->state != KITH_DTLS_CONNECTING || dtls->now < dtls->retransmit_at)
        return;
    kith_dtls_clear_errors();
    if (!kith_dtls_timer_fire(dtls))
        kith_dtls_fail(dtls, KITH_ERROR_DETAIL_DTLS_FAILURE,
                       "the peer does not answer the DTLS handshake");
    kith_dtls_clear_errors();
}

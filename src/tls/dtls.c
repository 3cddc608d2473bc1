/* The DTLS association: states, handshake, and the five verbs. OpenSSL does the protocol; this file
 * decides what it may see (record.c), when it acts (timer.c) and when its opinion counts. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/error.h"
#include "base/memory.h"
#include "tls/association.h"

/* Our flights wait here at most until the next output; a flight has two to four kilobytes. */
#define OUTGOING_LIMIT 32768
/* Application records up to an Ethernet frame; a larger mtu raises it. */
#define ETHERNET_PAYLOAD 1500
/* How long a peer must be silent until a plaintext alert or an unanswerable hello counts. A peer
 * that lives repeats its flight at least three times in it, at 1, 3 and 7 s after RFC 6347 section
 * 4.2.4.1. */
#define SUSPICION_TIME KITH_SECONDS(10)
/* Room for one decrypted record of an ordinary datagram. */
#define PLAIN_SIZE 2048

/* Before a call whose SSL_get_error is asked for, and after one that failed. ERR_clear_error walks
 * an empty queue as well, at 85 ns. */
static void clear_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

/* ---- state ---- */

/* new -> connecting -> connected -> closed or failed; closing and failing may come sooner, and a
 * failed association may still be closed. */
static void set_state(kith_dtls *dtls, kith_dtls_state state)
{
    assert(state > dtls->state || (state == KITH_DTLS_CLOSED && dtls->state == KITH_DTLS_FAILED));
    KITH_LOG(dtls->log, DEBUG, "dtls: %s -> %s", kith_dtls_state_name(dtls->state),
             kith_dtls_state_name(state));
    dtls->state = state;
    assert(dtls->pending_count < sizeof dtls->pending / sizeof dtls->pending[0]);
    dtls->pending[dtls->pending_count++] = state;
    if (state >= KITH_DTLS_CONNECTED) {
        dtls->retransmit_at = KITH_NEVER;
        dtls->ssl_timer = NULL;
        dtls->suspected.until = KITH_NEVER;
        kith_wr_deinit(&dtls->flight); /* OpenSSL answers a repeated Finished */
    }
}

static void fail(kith_dtls *dtls, kith_error_detail detail, const char *message)
{
    kith_error_init(&dtls->error, KITH_ERR_OPERATION, "%s", message);
    dtls->error.error_detail = detail;
    dtls->error.received_alert = dtls->received_alert;
    dtls->error.sent_alert = dtls->sent_alert;
    KITH_LOG(dtls->log, WARNING, "dtls: failed: %s", message);
    set_state(dtls, KITH_DTLS_FAILED);
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
        fail(dtls, KITH_ERROR_DETAIL_FINGERPRINT_FAILURE,
             "the remote certificate matches none of the announced fingerprints");
    else
        fail(dtls, KITH_ERROR_DETAIL_DTLS_FAILURE, message);
}

/* ---- construction ---- */

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

static kith_err build(kith_dtls *dtls, const kith_dtls_config *config)
{
    kith_err err =
        kith_dtls_choose_fingerprints(dtls, config->fingerprints, config->fingerprint_count);
    if (err != KITH_OK)
        return err;
    dtls->packing = kith_alloc(dtls->mtu);
    dtls->plain = kith_alloc(PLAIN_SIZE);
    dtls->plain_cap = PLAIN_SIZE;
    if (!dtls->packing || !dtls->plain)
        return kith_fail_memory();
    clear_errors();
    dtls->ssl = open_ssl(dtls);
    if (dtls->ssl)
        return KITH_OK;
    unsigned long code = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(code);
    clear_errors();
    if (code == 0 || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
        return kith_fail_memory();
    return kith_fail(KITH_ERR_OPERATION, "OpenSSL refuses the certificate: %s",
                     reason ? reason : "?");
}

kith_err kith_dtls_new(kith_dtls **out, const kith_dtls_config *config)
{
    *out = NULL;
    if (config->certificate_count == 0 || config->fingerprint_count == 0)
        return kith_fail(KITH_ERR_TYPE, "DTLS needs a certificate and a remote fingerprint");
    if (config->fingerprint_count > KITH_DTLS_MAX_FINGERPRINTS)
        return kith_fail(KITH_ERR_RANGE, "more than %d fingerprints", KITH_DTLS_MAX_FINGERPRINTS);
    if (config->mtu < KITH_DTLS_MIN_MTU || config->mtu > 65535)
        return kith_fail(KITH_ERR_RANGE, "a DTLS mtu of %zu bytes", config->mtu);
    kith_dtls *dtls = kith_alloc_zero(1, sizeof *dtls);
    if (!dtls)
        return kith_fail_memory();
    choose_certificates(dtls, config);
    dtls->role = config->role;
    dtls->log = config->log;
    dtls->mtu = config->mtu;
    dtls->max_fragment = config->mtu < ETHERNET_PAYLOAD ? ETHERNET_PAYLOAD : config->mtu;
    if (dtls->max_fragment > SSL3_RT_MAX_PLAIN_LENGTH)
        dtls->max_fragment = SSL3_RT_MAX_PLAIN_LENGTH;
    dtls->gate.role = config->role;
    dtls->suspected.until = KITH_NEVER;
    dtls->cipher = "";
    dtls->received_alert = dtls->sent_alert = -1;
    kith_error_init(&dtls->error, KITH_OK, "%s", "");
    kith_dtls_timer_init(dtls);
    kith_ring_init(&dtls->outgoing, OUTGOING_LIMIT);
    dtls->flight = kith_wr_growing();
    kith_err err = build(dtls, config);
    if (err != KITH_OK) {
        kith_dtls_free(dtls);
        return err;
    }
    *out = dtls;
    return KITH_OK;
}

void kith_dtls_free(kith_dtls *dtls)
{
    if (!dtls)
        return;
    SSL_free(dtls->ssl); /* wipes its own keys */
    for (size_t i = 0; i < dtls->certificate_count; i++)
        kith_certificate_free(dtls->certificates[i]);
    kith_ring_deinit(&dtls->outgoing);
    kith_wr_deinit(&dtls->flight);
    kith_free(dtls->fingerprints);
    kith_free(dtls->remote_der);
    kith_free(dtls->packing);
    if (dtls->plain)
        kith_wipe(dtls->plain, dtls->plain_cap);
    kith_free(dtls->plain);
    kith_wipe(dtls, sizeof *dtls);
    kith_free(dtls);
}

/* ---- handshake ---- */

/* What a record has besides its data: GCM's explicit nonce and tag (RFC 5288 section 3), or the
 * tag alone (RFC 7905 section 2). No other suite is ever offered. */
static size_t record_overhead(const SSL_CIPHER *cipher)
{
    switch (cipher ? SSL_CIPHER_get_cipher_nid(cipher) : NID_undef) {
    case NID_aes_128_gcm:
    case NID_aes_256_gcm:
        return 8 + 16;
    default:
        return 16;
    }
}

static void connected(kith_dtls *dtls)
{
    if (!dtls->verified) { /* no path of OpenSSL's leads here; the one gate all the same */
        fail(dtls, KITH_ERROR_DETAIL_FINGERPRINT_FAILURE, "the peer showed no certificate");
        return;
    }
    const char *cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(dtls->ssl));
    dtls->cipher = cipher ? cipher : "";
    snprintf(dtls->version, sizeof dtls->version, "%04X",
             (unsigned)SSL_version(dtls->ssl) & 0xffff);
    dtls->more_inside = true;
    dtls->gate.keyed = dtls->gate.finished = true;
    dtls->gate.overhead = record_overhead(SSL_get_current_cipher(dtls->ssl));
    set_state(dtls, KITH_DTLS_CONNECTED);
    KITH_LOG(dtls->log, INFO, "dtls: connected as %s, %s, %s%s",
             dtls->role == KITH_DTLS_SERVER ? "server" : "client", dtls->version, dtls->cipher,
             SSL_get_extms_support(dtls->ssl) == 1 ? "" : ", no extended master secret");
}

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
    clear_errors();
    SSL *fresh = open_ssl(dtls);
    if (!fresh) {
        fail(dtls, KITH_ERROR_DETAIL_DTLS_FAILURE, message);
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
    const SSL_CIPHER *cipher = SSL_get_pending_cipher(dtls->ssl);
    dtls->gate.hello_done = cipher;
    dtls->gate.overhead = record_overhead(cipher);
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

/* Lets OpenSSL look at dtls->incoming, or begin. */
static void advance(kith_dtls *dtls)
{
    clear_errors();
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
    clear_errors();
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
    fail(dtls, KITH_ERROR_DETAIL_DTLS_FAILURE, suspected.message);
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

static void handshake_record(kith_dtls *dtls, const kith_dtls_record *record)
{
    switch (kith_dtls_gate_judge(&dtls->gate, record)) {
    case KITH_DTLS_PASS:
        kith_dtls_flight_heard(dtls, record);
        dtls->incoming = record->whole;
        advance(dtls);
        break;
    case KITH_DTLS_PLAIN_ALERT:
        take_plain_alert(dtls, record->body);
        break;
    case KITH_DTLS_DROP:
        dtls->counters.records_dropped++;
        break;
    }
}

/* Records until the datagram ends or the handshake does; what is left then is read as events. */
static void handshake_datagram(kith_dtls *dtls, kith_span datagram)
{
    kith_dtls_record record;
    while (dtls->state == KITH_DTLS_CONNECTING && kith_dtls_record_next(&datagram, &record))
        handshake_record(dtls, &record);
    if (dtls->state == KITH_DTLS_CONNECTED)
        dtls->unread = datagram;
    else if (datagram.len > 0)
        dtls->counters.records_dropped++;
}

/* Begins, if kith_dtls_start asked for it. */
static void enter(kith_dtls *dtls, kith_time now)
{
    dtls->now = now;
    if (!dtls->starting)
        return;
    dtls->starting = false;
    set_state(dtls, KITH_DTLS_CONNECTING);
    advance(dtls);
}

/* ---- commands ---- */

/* Before any call that makes OpenSSL read or write; false: no memory. */
static bool untrim(kith_dtls *dtls)
{
    if (dtls->trimmed)
        dtls->trimmed = SSL_alloc_buffers(dtls->ssl) != 1;
    return !dtls->trimmed;
}

void kith_dtls_start(kith_dtls *dtls)
{
    if (dtls->state == KITH_DTLS_NEW)
        dtls->starting = true;
}

void kith_dtls_set_rtt(kith_dtls *dtls, kith_time rtt)
{
    dtls->rtt = rtt;
}

void kith_dtls_close(kith_dtls *dtls)
{
    if (dtls->state == KITH_DTLS_CLOSED)
        return;
    dtls->starting = false;
    dtls->unread.len = 0;
    if (dtls->state == KITH_DTLS_CONNECTED && untrim(dtls)) {
        clear_errors();
        (void)SSL_shutdown(
            dtls->ssl); /* 0: sent, the peer's is not awaited (RFC 5246 section 7.2.1) */
        clear_errors();
    }
    set_state(dtls, KITH_DTLS_CLOSED);
}

void kith_dtls_trim(kith_dtls *dtls)
{
    if (dtls->state == KITH_DTLS_CONNECTED && !dtls->more_inside && !dtls->trimmed)
        dtls->trimmed = SSL_free_buffers(dtls->ssl) == 1;
}

/* ---- the five verbs ---- */

bool kith_dtls_is_first_flight(const uint8_t *data, size_t len)
{
    kith_span datagram = kith_span_of(data, len);
    kith_dtls_record record;
    return kith_dtls_record_next(&datagram, &record) && record.type == KITH_DTLS_HANDSHAKE &&
           record.epoch == 0;
}

void kith_dtls_input(kith_dtls *dtls, kith_time now, const uint8_t *data, size_t len)
{
    enter(dtls, now);
    switch (dtls->state) {
    case KITH_DTLS_CONNECTING:
        handshake_datagram(dtls, kith_span_of(data, len));
        break;
    case KITH_DTLS_CONNECTED:
        if (dtls->unread.len > 0) /* the caller did not drain the last one, whose bytes are gone */
            dtls->counters.records_dropped++;
        dtls->unread = kith_span_of(data, len);
        break;
    case KITH_DTLS_NEW:
    case KITH_DTLS_CLOSED:
    case KITH_DTLS_FAILED:
        dtls->counters.records_dropped++;
        break;
    }
}

size_t kith_dtls_output(kith_dtls *dtls, kith_time now, uint8_t *buf, size_t cap)
{
    enter(dtls, now);
    size_t len = kith_dtls_outgoing_take(dtls, buf, cap);
    if (dtls->state >= KITH_DTLS_CONNECTED && !kith_dtls_outgoing_waits(dtls))
        kith_ring_deinit(&dtls->outgoing); /* hardly ever needed again */
    return len;
}

/* 0 lies before every `now`: there is something to do at once. */
kith_time kith_dtls_deadline(const kith_dtls *dtls)
{
    if (dtls->starting || kith_dtls_outgoing_waits(dtls))
        return 0;
    return dtls->suspected.until < dtls->retransmit_at ? dtls->suspected.until
                                                       : dtls->retransmit_at;
}

void kith_dtls_tick(kith_dtls *dtls, kith_time now)
{
    enter(dtls, now);
    if (dtls->state == KITH_DTLS_CONNECTING && now >= dtls->suspected.until)
        confirm_failure(dtls);
    if (dtls->state != KITH_DTLS_CONNECTING || now < dtls->retransmit_at)
        return;
    clear_errors();
    if (!kith_dtls_timer_fire(dtls))
        fail(dtls, KITH_ERROR_DETAIL_DTLS_FAILURE, "the peer does not answer the DTLS handshake");
    clear_errors();
}

/* ---- records of a connected association ---- */

size_t kith_dtls_send(kith_dtls *dtls, const uint8_t *data, size_t len, uint8_t *buf, size_t cap)
{
    if (dtls->state != KITH_DTLS_CONNECTED || len == 0 || len > dtls->max_fragment ||
        cap < KITH_DTLS_OVERHEAD || len > cap - KITH_DTLS_OVERHEAD)
        return 0;
    if (!untrim(dtls))
        return 0;
    dtls->direct = buf;
    dtls->direct_cap = cap;
    dtls->direct_len = 0;
    clear_errors();
    int result = SSL_write(dtls->ssl, data, (int)len);
    dtls->direct = NULL;
    if (result > 0)
        return dtls->direct_len;
    if (SSL_get_error(dtls->ssl, result) == SSL_ERROR_SSL)
        fail_by_openssl(dtls);
    clear_errors();
    return 0;
}

/* SSL_read gave no data: a record that did not decrypt, a repeated Finished, an alert. */
static void read_failed(kith_dtls *dtls, int result)
{
    switch (SSL_get_error(dtls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        break;
    case SSL_ERROR_ZERO_RETURN: /* the peer's close_notify; ours answers it (RFC 5246 section 7.2.1)
                                 */
        KITH_LOG(dtls->log, INFO, "dtls: closed by the peer");
        kith_dtls_close(dtls);
        break;
    default: /* a fatal alert of the authenticated peer */
        fail_by_openssl(dtls);
        break;
    }
    clear_errors();
}

/* A record larger than any before needs a larger buffer; false: no memory. */
static bool make_room(kith_dtls *dtls, size_t len)
{
    if (len <= dtls->plain_cap)
        return true;
    uint8_t *larger = kith_resize(dtls->plain, len);
    if (!larger)
        return false;
    dtls->plain = larger;
    dtls->plain_cap = len;
    return true;
}

/* Puts the next record of the datagram before OpenSSL; false when there is none. */
static bool next_record(kith_dtls *dtls, bool *is_data)
{
    kith_dtls_record record;
    while (kith_dtls_record_next(&dtls->unread, &record)) {
        if (kith_dtls_gate_judge(&dtls->gate, &record) != KITH_DTLS_PASS || !untrim(dtls) ||
            !make_room(dtls, record.body.len)) {
            dtls->counters.records_dropped++;
            continue;
        }
        dtls->incoming = record.whole;
        *is_data = record.type == KITH_DTLS_APPLICATION_DATA;
        return true;
    }
    if (dtls->unread.len > 0)
        dtls->counters.records_dropped++;
    dtls->unread.len = 0;
    return false;
}

/* One SSL_read for each record, and none behind the last. */
static bool read_data(kith_dtls *dtls, kith_span *data)
{
    while (dtls->state == KITH_DTLS_CONNECTED) {
        bool is_data = false;
        if (!dtls->more_inside && !next_record(dtls, &is_data))
            return false;
        clear_errors();
        int result = SSL_read(dtls->ssl, dtls->plain, (int)dtls->plain_cap);
        /* Data that came between ChangeCipherSpec and Finished is kept inside and comes first: then
         * the record still stands before the BIO. */
        dtls->more_inside = result > 0 && (dtls->incoming.len > 0 || SSL_pending(dtls->ssl) > 0 ||
                                           dtls->more_inside);
        if (result > 0) {
            *data = kith_span_of(dtls->plain, (size_t)result);
            return true;
        }
        if (is_data)
            dtls->counters.records_dropped++;
        read_failed(dtls, result);
    }
    return false;
}

static bool next_state(kith_dtls *dtls, kith_dtls_event *ev)
{
    if (dtls->pending_count == 0)
        return false;
    *ev = (kith_dtls_event){.type = KITH_DTLS_EV_STATE, .state = dtls->pending[0]};
    dtls->pending_count--;
    memmove(dtls->pending, dtls->pending + 1, dtls->pending_count * sizeof dtls->pending[0]);
    return true;
}

bool kith_dtls_event_next(kith_dtls *dtls, kith_dtls_event *ev)
{
    if (next_state(dtls, ev))
        return true;
    *ev = (kith_dtls_event){.type = KITH_DTLS_EV_DATA, .state = dtls->state};
    return read_data(dtls, &ev->data) || next_state(dtls, ev);
}

/* ---- what is known ---- */

const char *kith_dtls_state_name(kith_dtls_state state)
{
    static const char *const names[] = {
        [KITH_DTLS_NEW] = "new",
        [KITH_DTLS_CONNECTING] = "connecting",
        [KITH_DTLS_CONNECTED] = "connected",
        [KITH_DTLS_CLOSED] = "closed",
        [KITH_DTLS_FAILED] = "failed",
    };
    return names[state];
}

kith_dtls_state kith_dtls_get_state(const kith_dtls *dtls)
{
    return dtls->state;
}

kith_dtls_role kith_dtls_get_role(const kith_dtls *dtls)
{
    return dtls->role;
}

const kith_error *kith_dtls_get_error(const kith_dtls *dtls)
{
    return &dtls->error;
}

/* The one that OpenSSL used last, or would. */
const kith_certificate *kith_dtls_local_certificate(const kith_dtls *dtls)
{
    const X509 *shown = SSL_get_certificate(dtls->ssl);
    for (size_t i = 0; i < dtls->certificate_count; i++)
        if (kith_certificate_x509(dtls->certificates[i]) == shown)
            return dtls->certificates[i];
    return dtls->certificates[0];
}

kith_span kith_dtls_remote_certificate(const kith_dtls *dtls)
{
    return kith_span_of(dtls->remote_der, dtls->remote_der_len);
}

const kith_dtls_counters *kith_dtls_get_counters(const kith_dtls *dtls)
{
    return &dtls->counters;
}

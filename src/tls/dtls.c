/* The DTLS association: states, the five verbs, and what is said in the records of a connected one.
 * The way to it is handshake.c. */
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

/* ---- state ---- */

/* new -> connecting -> connected -> closed or failed; closing and failing may come sooner, and a
 * failed association may still be closed. */
void kith_dtls_set_state(kith_dtls *dtls, kith_dtls_state state)
{
    assert(state > dtls->state || (state == KITH_DTLS_CLOSED && dtls->state == KITH_DTLS_FAILED));
    KITH_LOG(dtls->log, DEBUG, "dtls: %s -> %s", kith_dtls_state_name(dtls->state),
             kith_dtls_state_name(state));
    dtls->state = state;
    assert(dtls->pending_count < sizeof dtls->pending / sizeof dtls->pending[0]);
    dtls->pending[dtls->pending_count++] = state;
    if (state >= KITH_DTLS_CONNECTED)
        kith_dtls_handshake_deinit(dtls);
}

void kith_dtls_fail(kith_dtls *dtls, kith_error_detail detail, const char *message)
{
    kith_error_init(&dtls->error, KITH_ERR_OPERATION, "%s", message);
    dtls->error.error_detail = detail;
    dtls->error.received_alert = dtls->received_alert;
    dtls->error.sent_alert = dtls->sent_alert;
    KITH_LOG(dtls->log, WARNING, "dtls: failed: %s", message);
    kith_dtls_set_state(dtls, KITH_DTLS_FAILED);
}

/* ---- construction ---- */

static kith_err build(kith_dtls *dtls, const kith_dtls_config *config)
{
    kith_err err =
        kith_dtls_choose_fingerprints(dtls, config->fingerprints, config->fingerprint_count);
    if (err != KITH_OK)
        return err;
    kith_dtls_clear_errors();
    if (kith_dtls_handshake_init(dtls, config))
        return KITH_OK;
    unsigned long code = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(code);
    kith_dtls_clear_errors();
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
    dtls->role = config->role;
    dtls->log = config->log;
    dtls->mtu = config->mtu;
    dtls->max_fragment = config->mtu < ETHERNET_PAYLOAD ? ETHERNET_PAYLOAD : config->mtu;
    if (dtls->max_fragment > SSL3_RT_MAX_PLAIN_LENGTH)
        dtls->max_fragment = SSL3_RT_MAX_PLAIN_LENGTH;
    dtls->cipher = "";
    dtls->received_alert = dtls->sent_alert = -1;
    kith_error_init(&dtls->error, KITH_OK, "%s", "");
    kith_ring_init(&dtls->outgoing, OUTGOING_LIMIT);
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
    kith_dtls_handshake_deinit(dtls);
    kith_dtls_write_state_deinit(&dtls->write);
    kith_dtls_read_state_deinit(&dtls->read);
    for (size_t i = 0; i < dtls->certificate_count; i++)
        kith_certificate_free(dtls->certificates[i]);
    kith_ring_deinit(&dtls->outgoing);
    kith_ring_deinit(&dtls->early);
    kith_free(dtls->fingerprints);
    kith_free(dtls->remote_der);
    kith_wipe(dtls, sizeof *dtls);
    kith_free(dtls);
}

/* ---- records of our own ---- */

static void add_record(kith_dtls *dtls, uint8_t type, const uint8_t *data, size_t len)
{
    uint8_t record[KITH_DTLS_OVERHEAD + sizeof dtls->finished];
    size_t record_len =
        kith_dtls_protect(&dtls->write, type, kith_span_of(data, len), record, sizeof record);
    if (record_len > 0)
        kith_dtls_outgoing_add(dtls, kith_span_of(record, record_len));
}

static void send_alert(kith_dtls *dtls, uint8_t level, uint8_t description)
{
    const uint8_t alert[] = {level, description};
    add_record(dtls, KITH_DTLS_ALERT, alert, sizeof alert);
}

/* RFC 6347 section 4.2.4: who sent the last flight sends it again when the peer repeats its own.
 * The messages are as they were, the records have numbers of their own. */
static void repeat_final_flight(kith_dtls *dtls)
{
    uint8_t change[KITH_DTLS_HEADER + 1];
    kith_writer w = kith_wr(change, sizeof change);
    kith_dtls_record_write(&w, KITH_DTLS_CHANGE_CIPHER_SPEC, 0, dtls->plaintext_sequence++, 1);
    kith_wr_u8(&w, 1);
    kith_dtls_outgoing_add(dtls, kith_span_of(change, w.len));
    add_record(dtls, KITH_DTLS_HANDSHAKE, dtls->finished, sizeof dtls->finished);
    dtls->counters.retransmits++;
}

/* ---- commands ---- */

/* Begins, if kith_dtls_start asked for it. */
static void enter(kith_dtls *dtls, kith_time now)
{
    dtls->now = now;
    if (!dtls->starting)
        return;
    dtls->starting = false;
    kith_dtls_set_state(dtls, KITH_DTLS_CONNECTING);
    kith_dtls_handshake_advance(dtls);
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
    /* The peer's is not awaited (RFC 5246 section 7.2.1). */
    if (dtls->state == KITH_DTLS_CONNECTED)
        send_alert(dtls, SSL3_AL_WARNING, SSL3_AD_CLOSE_NOTIFY);
    kith_dtls_set_state(dtls, KITH_DTLS_CLOSED);
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
        kith_dtls_handshake_input(dtls, kith_span_of(data, len));
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
    if (dtls->state == KITH_DTLS_CONNECTING)
        kith_dtls_handshake_tick(dtls);
}

/* ---- records of a connected association ---- */

/* RFC 6347 section 4.1: a sequence number never comes twice under one epoch. */
static void end_exhausted(kith_dtls *dtls)
{
    kith_dtls_fail(dtls, KITH_ERROR_DETAIL_DTLS_FAILURE,
                   "the sequence numbers of DTLS records are used up");
}

size_t kith_dtls_send(kith_dtls *dtls, const uint8_t *data, size_t len, uint8_t *buf, size_t cap)
{
    if (dtls->state != KITH_DTLS_CONNECTED || len == 0 || len > dtls->max_fragment ||
        cap < KITH_DTLS_OVERHEAD || len > cap - KITH_DTLS_OVERHEAD)
        return 0;
    if (dtls->write.sequence > KITH_DTLS_MAX_SEQUENCE) {
        end_exhausted(dtls);
        return 0;
    }
    return kith_dtls_protect(&dtls->write, KITH_DTLS_APPLICATION_DATA, kith_span_of(data, len), buf,
                             cap);
}

static void take_alert(kith_dtls *dtls, kith_span alert)
{
    if (alert.len != 2) {
        dtls->counters.records_dropped++;
    } else if (alert.data[1] == SSL3_AD_CLOSE_NOTIFY) {
        /* Ours answers it (RFC 5246 section 7.2.1). */
        KITH_LOG(dtls->log, INFO, "dtls: closed by the peer");
        kith_dtls_close(dtls);
    } else if (alert.data[0] == SSL3_AL_FATAL) {
        char message[128];
        snprintf(message, sizeof message, "the peer ended the DTLS association: %s",
                 SSL_alert_desc_string_long(alert.data[1]));
        dtls->received_alert = alert.data[1];
        kith_dtls_fail(dtls, KITH_ERROR_DETAIL_DTLS_FAILURE, message);
    }
}

/* A handshake message of a peer that is connected, or whose last flight we have answered. */
static void take_handshake(kith_dtls *dtls, kith_span message)
{
    uint8_t type = message.len > 0 ? message.data[0] : UINT8_MAX;
    bool is_server = dtls->role == KITH_DTLS_SERVER;
    if (type == SSL3_MT_FINISHED && is_server)
        repeat_final_flight(dtls);
    else if (type == (is_server ? SSL3_MT_CLIENT_HELLO : SSL3_MT_HELLO_REQUEST))
        /* RFC 5246 section 7.2.2, RFC 8827 section 6.5 */
        send_alert(dtls, SSL3_AL_WARNING, SSL_AD_NO_RENEGOTIATION);
}

/* False: it holds no data. */
static bool take_record(kith_dtls *dtls, const kith_dtls_record *record, kith_span plaintext)
{
    switch (record->type) {
    case KITH_DTLS_ALERT:
        take_alert(dtls, plaintext);
        return false;
    case KITH_DTLS_HANDSHAKE:
        take_handshake(dtls, plaintext);
        return false;
    case KITH_DTLS_APPLICATION_DATA:
        return plaintext.len > 0;
    default: /* ChangeCipherSpec: nothing is renegotiated */
        return false;
    }
}

/* Records of a datagram that turn out to be forged, each at the price of a decryption: what lies
 * behind them is not the peer's either. */
#define MOST_FORGED 2

/* Data in what is left of a datagram. */
static bool read_datagram(kith_dtls *dtls, kith_span *datagram, kith_dtls_event *ev, uint8_t *buf,
                          size_t cap)
{
    kith_dtls_record record;
    unsigned forged = 0;
    while (dtls->state == KITH_DTLS_CONNECTED && forged < MOST_FORGED &&
           kith_dtls_record_next(datagram, &record)) {
        if (kith_dtls_open(&dtls->read, &record, buf, cap, &ev->data)) {
            if (take_record(dtls, &record, ev->data))
                return true;
            continue;
        }
        kith_dtls_clear_errors();
        dtls->counters.records_dropped++;
        forged += record.epoch > 0;
    }
    if (datagram->len > 0)
        dtls->counters.records_dropped++;
    datagram->len = 0;
    return false;
}

/* First what has overtaken the Finished, a record at a time. */
static bool read_data(kith_dtls *dtls, kith_dtls_event *ev, uint8_t *buf, size_t cap)
{
    for (kith_span early; (early = kith_ring_peek(&dtls->early)).data;) {
        bool is_data = read_datagram(dtls, &early, ev, buf, cap);
        kith_ring_pop(&dtls->early);
        if (dtls->early.count == 0)
            kith_ring_deinit(&dtls->early);
        if (is_data)
            return true;
    }
    return read_datagram(dtls, &dtls->unread, ev, buf, cap);
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

bool kith_dtls_event_next(kith_dtls *dtls, kith_dtls_event *ev, uint8_t *buf, size_t cap)
{
    if (next_state(dtls, ev))
        return true;
    *ev = (kith_dtls_event){.type = KITH_DTLS_EV_DATA, .state = dtls->state};
    return (dtls->state == KITH_DTLS_CONNECTED && read_data(dtls, ev, buf, cap)) ||
           next_state(dtls, ev);
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

const kith_certificate *kith_dtls_local_certificate(const kith_dtls *dtls)
{
    return dtls->certificates[dtls->shown];
}

kith_span kith_dtls_remote_certificate(const kith_dtls *dtls)
{
    return kith_span_of(dtls->remote_der, dtls->remote_der_len);
}

const kith_dtls_counters *kith_dtls_get_counters(const kith_dtls *dtls)
{
    return &dtls->counters;
}

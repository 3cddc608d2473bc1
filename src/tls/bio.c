/* The BIO between OpenSSL and a kith_dtls, and the records that wait to leave. Reading gives the
 * one record that the association has put forward. What is written waits, and leaves in datagrams
 * as full as the mtu allows. */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>

#include "base/memory.h"
#include "base/reader.h"
#include "base/writer.h"
#include "tls/association.h"

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static BIO_METHOD *method;

/* ---- outgoing datagrams ---- */

void kith_dtls_outgoing_add(kith_dtls *dtls, kith_span record)
{
    /* OpenSSL was told the mtu; nothing it makes is longer. For want of room it is as if the
     * network had lost it: the flight will be repeated. */
    if (record.len > dtls->mtu || !kith_ring_push(&dtls->outgoing, record.data, record.len))
        dtls->counters.records_lost++;
}

bool kith_dtls_outgoing_waits(const kith_dtls *dtls)
{
    return dtls->outgoing.count > 0;
}

size_t kith_dtls_outgoing_take(kith_dtls *dtls, uint8_t *buf, size_t cap)
{
    size_t most = cap < dtls->mtu ? cap : dtls->mtu, len = 0;
    for (kith_span record; (record = kith_ring_peek(&dtls->outgoing)).data;) {
        if (record.len > most - len)
            break;
        memcpy(buf + len, record.data, record.len);
        len += record.len;
        kith_ring_pop(&dtls->outgoing);
    }
    return len;
}

void kith_dtls_outgoing_clear(kith_dtls *dtls)
{
    kith_ring_clear(&dtls->outgoing);
}

/* ---- the BIO ---- */

/* OpenSSL writes a run of whole records; each may go into another datagram. It never hears of a
 * full queue: a lost record is what its retransmission is for. */
static int bio_write(BIO *bio, const char *data, int len)
{
    kith_dtls *dtls = BIO_get_data(bio);
    kith_span rest = kith_span_of(data, (size_t)len);
    kith_dtls_record record;
    BIO_clear_retry_flags(bio);
    while (kith_dtls_record_next(&rest, &record)) {
        kith_dtls_note_written(dtls, &record);
        kith_dtls_flight_keep(dtls, record.whole);
        kith_dtls_outgoing_add(dtls, record.whole);
    }
    return len;
}

/* The sequence number of a record in the clear proves nothing, but OpenSSL takes all that lie 64
 * behind the highest for replays: one invented number would shut out the peer. So these records
 * are numbered as they come; their messages have numbers of their own. */
static void number_plaintext(kith_dtls *dtls, uint8_t *record, size_t len)
{
    kith_reader r = kith_rd(record, len);
    kith_rd_skip(&r, 3); /* type, version */
    uint16_t epoch = kith_rd_u16(&r);
    if (r.bad || epoch != 0 || kith_rd_left(&r) < 6)
        return;
    kith_writer w = kith_wr(record + 5, 6);
    kith_wr_u16(&w, 0);
    kith_wr_u32(&w, dtls->plaintext_seq++);
}

static int bio_read(BIO *bio, char *buf, int cap)
{
    kith_dtls *dtls = BIO_get_data(bio);
    size_t len = dtls->incoming.len;
    BIO_clear_retry_flags(bio);
    if (len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if (len > (size_t)cap)
        len = (size_t)cap; /* longer than any record: it will not decrypt */
    memcpy(buf, dtls->incoming.data, len);
    number_plaintext(dtls, (uint8_t *)buf, len);
    dtls->incoming.len = 0;
    return (int)len;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    kith_dtls *dtls = BIO_get_data(bio);
    (void)number;
    switch (command) {
    case BIO_CTRL_FLUSH: /* the end of a message, not of a flight: packing goes on */
    case BIO_CTRL_DUP:
        return 1;
    case BIO_CTRL_PENDING:
        return (long)dtls->incoming.len;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return (long)dtls->mtu;
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
        kith_dtls_timer_set(dtls, pointer);
        return 1;
    default: /* the overhead below us (BIO_CTRL_DGRAM_GET_MTU_OVERHEAD) among them: mtu is UDP
                payload */
        return 0;
    }
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static void make_method(void)
{
    int type = BIO_get_new_index();
    if (type == -1)
        return;
    method = BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "kith datagram");
    if (!method)
        return;
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_ctrl(method, bio_ctrl);
    BIO_meth_set_create(method, bio_create);
}

BIO *kith_dtls_bio_new(kith_dtls *dtls)
{
    if (CRYPTO_THREAD_run_once(&once, make_method) != 1 || !method)
        return NULL;
    BIO *bio = BIO_new(method);
    if (bio)
        BIO_set_data(bio, dtls);
    return bio;
}

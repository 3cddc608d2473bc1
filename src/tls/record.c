/* Cutting datagrams into DTLS records. */
#include "tls/record.h"

#include "base/reader.h"

/* DTLSPlaintext or DTLSCiphertext of DTLS 1.2, RFC 6347 section 4.1. */
bool kith_dtls_record_next(kith_span *datagram, kith_dtls_record *out)
{
    if (datagram->len == 0)
        return false;
    kith_reader r = kith_rd(datagram->data, datagram->len);
    out->type = kith_rd_u8(&r);
    out->version = kith_rd_u16(&r); /* a first hello says 1.0 */
    out->epoch = kith_rd_u16(&r);
    out->sequence = (uint64_t)kith_rd_u16(&r) << 32;
    out->sequence |= kith_rd_u32(&r);
    out->body = kith_rd_span(&r, kith_rd_u16(&r));
    if (r.bad || out->version >> 8 != KITH_DTLS_VERSION >> 8 ||
        out->type < KITH_DTLS_CHANGE_CIPHER_SPEC || out->type > KITH_DTLS_APPLICATION_DATA)
        return false;
    out->whole = kith_span_of(datagram->data, datagram->len - kith_rd_left(&r));
    *datagram = kith_rd_rest(&r);
    return true;
}

void kith_dtls_record_write(kith_writer *w, uint8_t type, uint16_t epoch, uint64_t sequence,
                            size_t len)
{
    kith_wr_u8(w, type);
    kith_wr_u16(w, KITH_DTLS_VERSION);
    kith_wr_u64(w, (uint64_t)epoch << 48 | sequence);
    kith_wr_u16(w, (uint16_t)len);
}

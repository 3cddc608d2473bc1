/* Judging the records that come before authentication. */
#include "tls/gate.h"

#include "base/reader.h"

/* One handshake message: certificate chains of WebRTC peers have one or two kilobytes. OpenSSL reserves
 * what the first fragment announces. */
#define MAX_MESSAGE 16384
/* All messages of one peer's handshake. */
#define MAX_HANDSHAKE 65536

/* HandshakeType, RFC 5246 section 7.4 and RFC 6347 section 4.2.2: what a peer sends in the clear.
 * HelloRequest and NewSessionTicket answer nothing of ours; Finished is always encrypted. */
static bool may_come(const kith_dtls_gate *gate, uint8_t type)
{
    switch (type) {
    case 1: /* client_hello */
        return gate->role == KITH_DTLS_SERVER;
    case 11: /* certificate */
        return gate->hello_done || gate->role == KITH_DTLS_CLIENT;
    case 15: /* certificate_verify */
    case 16: /* client_key_exchange */
        return gate->hello_done && gate->role == KITH_DTLS_SERVER;
    case 2:  /* server_hello */
    case 3:  /* hello_verify_request */
    case 12: /* server_key_exchange */
    case 13: /* certificate_request */
    case 14: /* server_hello_done */
        return gate->role == KITH_DTLS_CLIENT;
    default:
        return false;
    }
}

/* One fragment of RFC 6347 section 4.2.2; all fragments of a message must announce the same. */
static bool judge_fragment(kith_dtls_gate *gate, kith_reader *r)
{
    uint8_t type = kith_rd_u8(r);
    uint32_t length = kith_rd_u24(r);
    uint16_t seq = kith_rd_u16(r);
    uint32_t offset = kith_rd_u24(r);
    uint32_t fragment = kith_rd_u24(r);
    kith_rd_skip(r, fragment);
    if (r->bad || length > MAX_MESSAGE || offset + fragment > length ||
        (fragment == 0 && length > 0) || seq >= KITH_DTLS_GATE_MESSAGES || !may_come(gate, type))
        return false;
    uint32_t announced = ((uint32_t)type << 24 | length) + 1;
    if (gate->announced[seq] == announced)
        return true;
    if (gate->announced[seq] != 0 || gate->announced_bytes + length > MAX_HANDSHAKE)
        return false;
    gate->announced[seq] = announced;
    gate->announced_bytes += length;
    return true;
}

static bool judge_handshake(kith_dtls_gate *gate, kith_span body)
{
    kith_reader r = kith_rd(body.data, body.len);
    bool good = body.len > 0;
    while (good && kith_rd_left(&r) > 0)
        good = judge_fragment(gate, &r);
    return good;
}

kith_dtls_verdict kith_dtls_gate_judge(kith_dtls_gate *gate, const kith_dtls_record *record)
{
    /* OpenSSL would keep a record that it cannot decrypt yet, in a read buffer of 17 kB. It comes again
     * with its whole flight (RFC 6347 section 4.2.4). */
    if (record->epoch > 0)
        return gate->keyed ? KITH_DTLS_PASS : KITH_DTLS_DROP;
    switch (record->type) {
    case KITH_DTLS_HANDSHAKE:
        return judge_handshake(gate, record->body) ? KITH_DTLS_PASS : KITH_DTLS_DROP;
    case KITH_DTLS_CHANGE_CIPHER_SPEC:
        return gate->hello_done && record->body.len == 1 && record->body.data[0] == 1
                   ? KITH_DTLS_PASS
                   : KITH_DTLS_DROP;
    case KITH_DTLS_ALERT:
        return record->body.len == 2 ? KITH_DTLS_PLAIN_ALERT : KITH_DTLS_DROP;
    default: /* application data of epoch 0: never (RFC 8827 section 6.5, no NULL ciphers) */
        return KITH_DTLS_DROP;
    }
}

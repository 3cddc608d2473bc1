/* STUN: whatever is taken lies inside its packet, judges its own integrity without harm, and its
 * known attributes survive being written and read again. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "wire/stun.h"

static void lies_inside(const kith_stun *m, kith_span value)
{
    assert(value.len == 0 || (value.data >= m->packet.data &&
                              value.data + value.len <= m->packet.data + m->packet.len));
}

static void is_address(const kith_address *a)
{
    assert(a->family == 0 || a->family == KITH_IPV4 || a->family == KITH_IPV6);
    assert(a->reserved == 0 && a->scope_id == 0);
}

static void judge(const kith_stun *m)
{
    uint32_t features;
    kith_hmac *sha1 = kith_hmac_new(KITH_HASH_SHA1, kith_span_text("key"));
    kith_hmac *sha256 = kith_hmac_new(KITH_HASH_SHA256, kith_span_text("key"));
    (void)kith_stun_check_integrity(m, sha1);
    (void)kith_stun_check_integrity_sha256(m, sha256);
    (void)kith_stun_choose_algorithm(m->password_algorithms);
    (void)kith_stun_nonce_features(m->nonce, &features);
    kith_hmac_free(sha1);
    kith_hmac_free(sha256);
}

/* What a server or a peer would echo. */
static void round_trip(const kith_stun *m)
{
    uint8_t buf[70000];
    kith_stun again;
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, m->class, m->method, m->id);
    kith_stun_put_span(&w, KITH_STUN_ATTR_USERNAME, m->username);
    kith_stun_put_u64(&w, KITH_STUN_ATTR_ICE_CONTROLLING, m->ice_controlling);
    kith_stun_put_unknown_attributes(&w, m->unknown_types, m->unknown_count);
    if (m->xor_mapped_address.family != 0)
        kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &m->xor_mapped_address);
    if (m->error_code.code != 0)
        kith_stun_put_error(&w, m->error_code.code, NULL);
    kith_stun_put_fingerprint(&w);
    if (w.bad || w.len > 65535)
        return;
    bool is_read = kith_stun_parse(&again, buf, w.len);
    assert(is_read && again.class == m->class && again.method == m->method);
    assert(kith_span_equal(again.username, m->username));
    assert(kith_address_equal(&again.xor_mapped_address, &m->xor_mapped_address));
    assert(again.error_code.code == m->error_code.code);
    assert(again.unknown_attributes.len == 2 * m->unknown_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_stun m;
    bool is_read = kith_stun_parse(&m, data, size);
    assert(!is_read || kith_stun_is(data, size));
    if (!is_read)
        return 0;
    const kith_span spans[] = {m.username,
                               m.realm,
                               m.nonce,
                               m.software,
                               m.data,
                               m.padding,
                               m.alternate_domain,
                               m.userhash,
                               m.unknown_attributes,
                               m.password_algorithms,
                               m.integrity,
                               m.integrity_sha256,
                               m.error_code.reason,
                               m.address_error_code.reason};
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
        lies_inside(&m, spans[i]);
    const kith_address *addresses[] = {
        &m.mapped_address,      &m.xor_mapped_address,   &m.alternate_server, &m.xor_peer_address,
        &m.xor_relayed_address, &m.xor_relayed_address2, &m.response_origin,  &m.other_address};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        is_address(addresses[i]);
    assert(m.unknown_count <= KITH_STUN_MAX_UNKNOWN);
    judge(&m);
    round_trip(&m);
    return 0;
}

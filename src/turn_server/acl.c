/* Networks as text, and the ranges that are not the public internet (RFC 6890 and its registry,
 * without the ranges of documentation). */
#include "turn_server/acl.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* ---- reading ---- */

static kith_err read_network(kith_network *out, const char *text)
{
    kith_span rest = kith_span_text(text);
    bool has_bits = memchr(text, '/', rest.len);
    kith_span ip = kith_span_cut(&rest, '/');
    if (!kith_address_parse_ip(&out->address, ip))
        return kith_fail(KITH_ERR_SYNTAX, "\"%s\" is no network: ADDRESS or ADDRESS/BITS", text);
    uint64_t longest = out->address.family == KITH_IPV4 ? 32 : 128, bits = longest;
    if (has_bits && !kith_span_u64(rest, longest, &bits))
        return kith_fail(KITH_ERR_SYNTAX, "\"%s\": at most /%u", text, (unsigned)longest);
    out->bits = (unsigned)bits;
    return KITH_OK;
}

static kith_err read_list(kith_network **out, size_t *count, const char *const *texts)
{
    size_t len = 0;
    while (texts && texts[len])
        len++;
    if (len == 0)
        return KITH_OK;
    *out = kith_alloc_zero(len, sizeof **out);
    if (!*out)
        return kith_fail_memory();
    for (*count = 0; *count < len; ++*count) {
        kith_err err = read_network(&(*out)[*count], texts[*count]);
        if (err != KITH_OK)
            return err;
    }
    return KITH_OK;
}

kith_err kith_acl_init(kith_acl *acl, const char *const *denied, const char *const *allowed)
{
    *acl = (kith_acl){0};
    kith_err err = read_list(&acl->denied, &acl->denied_count, denied);
    return err != KITH_OK ? err : read_list(&acl->allowed, &acl->allowed_count, allowed);
}

void kith_acl_deinit(kith_acl *acl)
{
    kith_free(acl->denied);
    kith_free(acl->allowed);
    *acl = (kith_acl){0};
}

/* ---- asking ---- */

static bool has_prefix(const kith_address *address, const uint8_t *prefix, unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;
    if (memcmp(address->ip, prefix, bytes) != 0)
        return false;
    return rest == 0 || (address->ip[bytes] ^ prefix[bytes]) >> (8 - rest) == 0;
}

static bool is_in(const kith_network *list, size_t count, const kith_address *address)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].address.family == address->family &&
            has_prefix(address, list[i].address.ip, list[i].bits))
            return true;
    return false;
}

typedef struct range {
    uint8_t prefix[16];
    uint8_t bits;
} range;

static const range ipv4_not_public[] = {
    {{0}, 8},            /* this host on this network */
    {{10}, 8},           /* private */
    {{100, 64}, 10},     /* shared by carriers, RFC 6598 */
    {{127}, 8},          /* loopback */
    {{169, 254}, 16},    /* link local, and the metadata of clouds */
    {{172, 16}, 12},     /* private */
    {{192, 0, 0}, 24},   /* IETF protocol assignments, metadata too */
    {{192, 88, 99}, 24}, /* 6to4 relays, RFC 7526 */
    {{192, 168}, 16},    /* private */
    {{198, 18}, 15},     /* benchmarks */
    {{224}, 4},          /* multicast */
    {{240}, 4},          /* reserved, and broadcast */
};

static const range ipv6_not_public[] = {
    {{0}, 96},                                  /* ::, ::1, IPv4-compatible */
    {{[10] = 0xff, [11] = 0xff}, 96},           /* IPv4-mapped */
    {{[8] = 0xff, [9] = 0xff}, 96},             /* IPv4-translated, RFC 7915's forerunner */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, /* local NAT64, RFC 8215 */
    {{0x01}, 64},                               /* discarded, RFC 6666 */
    {{0xfc}, 7},                                /* unique local, and metadata of clouds */
    {{0xfe, 0x80}, 10},                         /* link local */
    {{0xfe, 0xc0}, 10},                         /* site local */
    {{0xff}, 8},                                /* multicast */
};

static bool is_public(const kith_address *address)
{
    bool ipv4 = address->family == KITH_IPV4;
    const range *ranges = ipv4 ? ipv4_not_public : ipv6_not_public;
    size_t count = ipv4 ? sizeof ipv4_not_public / sizeof ipv4_not_public[0]
                        : sizeof ipv6_not_public / sizeof ipv6_not_public[0];
    for (size_t i = 0; i < count; i++)
        if (has_prefix(address, ranges[i].prefix, ranges[i].bits))
            return false;
    return true;
}

/* The IPv4 addresses in an IPv6 one: where they lie, and whether every bit is turned. */
static const struct {
    range where;
    uint8_t at;
    uint8_t turned;
} embedded[] = {
    {{{0}, 96}, 12, 0},                        /* IPv4-compatible */
    {{{[10] = 0xff, [11] = 0xff}, 96}, 12, 0}, /* IPv4-mapped */
    {{{[8] = 0xff, [9] = 0xff}, 96}, 12, 0},   /* IPv4-translated */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12, 0},   /* NAT64, RFC 6052 */
    {{{0x20, 0x02}, 16}, 2, 0},                /* 6to4, RFC 3056 */
    {{{0x20, 0x01}, 32}, 4, 0},                /* Teredo, RFC 4380: the server */
    {{{0x20, 0x01}, 32}, 12, 0xff},            /* and the client */
};

/* ISATAP (RFC 5214 section 6.1): 0000:5EFE or 0200:5EFE before the IPv4 address. */
static bool is_isatap(const kith_address *address)
{
    const uint8_t *id = address->ip + 8;
    return (id[0] & 0xfd) == 0 && id[1] == 0 && id[2] == 0x5e && id[3] == 0xfe;
}

static kith_acl_verdict judge(const kith_acl *acl, const kith_address *address)
{
    if (is_in(acl->denied, acl->denied_count, address))
        return KITH_ACL_DENIED;
    if (is_in(acl->allowed, acl->allowed_count, address))
        return KITH_ACL_ALLOWED;
    return is_public(address) ? KITH_ACL_PUBLIC : KITH_ACL_NOT_PUBLIC;
}

/* The worse of the two. */
static kith_acl_verdict judge_inside(const kith_acl *acl, const kith_address *address, size_t at,
                                     uint8_t turned, kith_acl_verdict outside)
{
    kith_address inner = {.family = KITH_IPV4};
    for (size_t i = 0; i < 4; i++)
        inner.ip[i] = address->ip[at + i] ^ turned;
    kith_acl_verdict inside = judge(acl, &inner);
    if (inside == KITH_ACL_DENIED || (inside == KITH_ACL_NOT_PUBLIC && outside == KITH_ACL_PUBLIC))
        return inside;
    return outside;
}

kith_acl_verdict kith_acl_says(const kith_acl *acl, const kith_address *address)
{
    kith_acl_verdict verdict = judge(acl, address);
    if (address->family != KITH_IPV6)
        return verdict;
    for (size_t i = 0; i < sizeof embedded / sizeof embedded[0]; i++)
        if (has_prefix(address, embedded[i].where.prefix, embedded[i].where.bits))
            verdict = judge_inside(acl, address, embedded[i].at, embedded[i].turned, verdict);
    if (is_isatap(address))
        verdict = judge_inside(acl, address, 12, 0, verdict);
    return verdict;
}

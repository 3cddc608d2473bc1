/* From text to scheme, host and port, and what a server must bring with its URL. */
#include "wire/ice_url.h"

#include <string.h>

#include "base/address.h"
#include "base/error.h"

#define STUN_PORT  3478 /* RFC 7064 section 3.2 */
#define STUNS_PORT 5349

#define MAX_CREDENTIAL 508

static kith_err bad_url(const char *url, const char *why)
{
    return kith_fail(KITH_ERR_SYNTAX, "ICE server URL \"%.100s\": %s", url, why);
}

static bool read_scheme(kith_span *rest, kith_ice_url *out, bool *is_secure)
{
    static const struct scheme {
        const char *name;
        bool is_turn, is_secure;
    } schemes[] = {{"stun", false, false},
                   {"stuns", false, true},
                   {"turn", true, false},
                   {"turns", true, true}};
    if (!memchr(rest->data, ':', rest->len))
        return false;
    kith_span name = kith_span_cut(rest, ':');
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (kith_span_is_nocase(name, schemes[i].name)) {
            out->is_turn = schemes[i].is_turn;
            *is_secure = schemes[i].is_secure;
            return true;
        }
    return false;
}

/* reg-name of RFC 3986 as far as DNS can hold it, or an IPv4 address. */
static bool is_host_name(kith_span host)
{
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.data[i];
        if (!kith_span_is_alnum(c) && c != '-' && c != '.' && c != '_')
            return false;
    }
    return host.len > 0 && host.data[0] != '.' && host.data[0] != '-';
}

/* host = IP-literal / IPv4address / reg-name; what follows it stays in *rest. */
static bool read_host(kith_span *rest, kith_span *host)
{
    if (rest->len > 0 && rest->data[0] == '[') {
        kith_span literal = kith_span_of(rest->data + 1, rest->len - 1);
        if (!memchr(literal.data, ']', literal.len))
            return false;
        *host = kith_span_cut(&literal, ']');
        *rest = literal;
        kith_address ip;
        return kith_address_parse_ip(&ip, *host) && ip.family == KITH_IPV6;
    }
    size_t len = 0;
    while (len < rest->len && rest->data[len] != ':' && rest->data[len] != '?')
        len++;
    *host = kith_span_of(rest->data, len);
    *rest = kith_span_of(rest->data + len, rest->len - len);
    return is_host_name(*host);
}

static bool read_port(kith_span *rest, uint16_t *port)
{
    if (rest->len == 0 || rest->data[0] != ':')
        return true;
    kith_span digits = kith_span_of(rest->data + 1, rest->len - 1);
    size_t len = 0;
    while (len < digits.len && digits.data[len] != '?')
        len++;
    uint64_t number;
    if (!kith_span_u64(kith_span_of(digits.data, len), 65535, &number) || number == 0)
        return false;
    *port = (uint16_t)number;
    *rest = kith_span_of(digits.data + len, digits.len - len);
    return true;
}

/* RFC 7065 section 3.2, and RFC 7350 section 4.6.2 for DTLS; without "?transport=" as browsers have
 * it: UDP, or TLS over TCP. */
static bool read_transport(kith_span rest, bool is_secure, kith_server_transport *out)
{
    bool is_udp = kith_span_is(rest, "?transport=udp"),
         is_tcp = kith_span_is(rest, "?transport=tcp");
    if (is_secure)
        *out = is_udp ? KITH_SERVER_DTLS : KITH_SERVER_TLS;
    else
        *out = is_tcp ? KITH_SERVER_TCP : KITH_SERVER_UDP;
    return rest.len == 0 || is_udp || is_tcp;
}

/* RFC 7064 section 3.1: scheme ":" host [ ":" port ]; RFC 7065 section 3.1 adds "?transport=". */
kith_err kith_ice_url_parse(kith_ice_url *out, const char *url)
{
    *out = (kith_ice_url){0};
    bool is_secure = false;
    kith_span rest = kith_span_text(url);
    if (!read_scheme(&rest, out, &is_secure))
        return bad_url(url, "it begins with none of stun:, stuns:, turn:, turns:");
    kith_span host;
    if (!read_host(&rest, &host))
        return bad_url(url, "this is no host name or address");
    if (host.len >= sizeof out->host)
        return bad_url(url, "the host name is too long");
    memcpy(out->host, host.data, host.len);
    out->port = is_secure ? STUNS_PORT : STUN_PORT;
    if (!read_port(&rest, &out->port))
        return bad_url(url, "the port is no number from 1 to 65535");
    if (!read_transport(rest, is_secure, &out->transport) || (rest.len > 0 && !out->is_turn))
        return bad_url(url, "there is something behind the host and port");
    return KITH_OK;
}

kith_err kith_ice_url_check(kith_ice_url *out, const kith_ice_server *server, const char *url)
{
    if (!url)
        return kith_fail(KITH_ERR_TYPE, "an ICE server has a NULL among its URLs");
    kith_err err = kith_ice_url_parse(out, url);
    if (err != KITH_OK)
        return err;
    if (out->is_turn && (!server->username || !server->credential))
        return kith_fail(KITH_ERR_INVALID_ACCESS, "%.100s needs a username and a credential", url);
    /* RFC 8489 section 14.3: at most 508 bytes. */
    if (out->is_turn &&
        (strlen(server->username) > MAX_CREDENTIAL || strlen(server->credential) > MAX_CREDENTIAL))
        return kith_fail(KITH_ERR_TYPE, "%.100s: the username or the credential is too long", url);
    if (out->transport == KITH_SERVER_DTLS)
        return kith_fail(KITH_ERR_NOT_SUPPORTED, "%.100s: DTLS to a server is not spoken", url);
    if (!out->is_turn && out->transport != KITH_SERVER_UDP)
        return kith_fail(KITH_ERR_NOT_SUPPORTED, "%.100s: of stun: only UDP is spoken", url);
    return KITH_OK;
}

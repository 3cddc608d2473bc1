/* Helpers of the subcommands: words on stderr, options, base64, UTF-8, SHA-256, memory. Peer logic
 * lives in the subcommands. */
#include "tool.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const char *tool_name = "kith";

void tool_set_name(const char *name)
{
    tool_name = name;
}

void tool_error(const char *format, ...)
{
    char line[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    fprintf(stderr, "%s: %s\n", tool_name, line);
}

static bool is_last(kith_err err)
{
    return kith_last_error()->err == err && kith_last_error()->message[0];
}

const char *tool_error_words(kith_err err)
{
    return is_last(err) ? kith_last_error()->message : kith_err_text(err);
}

void tool_kith_error(const char *what, kith_err err)
{
    int line = kith_last_error()->sdp_line_number;
    if (is_last(err) && line > 0)
        tool_error("%s: line %d: %s", what, line, tool_error_words(err));
    else
        tool_error("%s: %s", what, tool_error_words(err));
}

/* ---- options ---- */

int tool_getopt(int argc, char **argv, const struct option *options)
{
    opterr = 0;
    int choice = getopt_long(argc, argv, ":", options, NULL);
    if (choice == '?') {
        const char *given = argv[optind - 1];
        if (optopt != 0)
            tool_error("unknown option -%c (see %s --help)", optopt, tool_name);
        else
            tool_error("unknown, ambiguous or wrongly used option %s (see %s --help)", given,
                       tool_name);
    } else if (choice == ':') {
        tool_error("option %s needs a value (see %s --help)", argv[optind - 1], tool_name);
        choice = '?';
    }
    return choice;
}

bool tool_read_number(long *out, const char *text, const char *option, long min, long max)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < min || value > max) {
        tool_error("%s wants a whole number from %ld to %ld, not \"%s\"", option, min, max, text);
        return false;
    }
    *out = value;
    return true;
}

bool tool_read_port(uint16_t *out, const char *text, const char *option)
{
    long port = 0;
    if (!tool_read_number(&port, text, option, 0, UINT16_MAX))
        return false;
    *out = (uint16_t)port;
    return true;
}

bool tool_read_port_range(uint16_t *begin, uint16_t *end, const char *text, const char *option)
{
    unsigned first = 0, last = 0;
    int used = 0;
    if (sscanf(text, "%5u-%5u%n", &first, &last, &used) != 2 || text[used] != '\0' || first == 0 ||
        first > last || last > UINT16_MAX) {
        tool_error("%s wants two ports, for example 50000-50999, not \"%s\"", option, text);
        return false;
    }
    *begin = (uint16_t)first;
    *end = (uint16_t)last;
    return true;
}

/* kith_loop_new looks at what it is. */
bool tool_add_external(struct tool_externals *list, const char *text)
{
    if (list->count == TOOL_MAX_EXTERNAL) {
        tool_error("at most %d times --external", TOOL_MAX_EXTERNAL);
        return false;
    }
    list->texts[list->count++] = text;
    return true;
}

void tool_set_externals(kith_loop_config *config, const struct tool_externals *list)
{
    config->external_addresses = list->texts;
    config->external_only = list->only;
}

/* An address without a port is not one to listen on. */
static bool has_port(const char *text)
{
    const char *colon = strrchr(text, ':');
    const char *bracket = strrchr(text, ']');
    return colon && (bracket ? colon == bracket + 1 : strchr(text, ':') == colon);
}

bool tool_parse_listen(kith_address *out, const char *text)
{
    static const char here[] = "127.0.0.1", localhost[] = "localhost:";
    char address[KITH_ADDRESS_TEXT];
    if (strncmp(text, localhost, sizeof localhost - 1) == 0)
        snprintf(address, sizeof address, "%s:%s", here, text + sizeof localhost - 1);
    else if (text[0] == ':')
        snprintf(address, sizeof address, "%s%s", here, text);
    else if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0')
        snprintf(address, sizeof address, "%s:%s", here, text);
    else
        snprintf(address, sizeof address, "%s", text);
    if (has_port(address) && kith_address_parse(out, address) == KITH_OK)
        return true;
    tool_error("--listen wants ADDRESS:PORT, for example 127.0.0.1:8080, or a port, not \"%s\"",
               text);
    return false;
}

bool tool_is_any(const kith_address *address)
{
    static const uint8_t zeros[16];
    return memcmp(address->ip, zeros, sizeof zeros) == 0;
}

bool tool_is_loopback(const kith_address *address)
{
    static const uint8_t ipv6_loopback[16] = {[15] = 1};
    return address->family == KITH_IPV4 ? address->ip[0] == 127
                                        : memcmp(address->ip, ipv6_loopback, 16) == 0;
}

static void write_log_line(kith_log_level level, const char *line, void *user)
{
    static const char *const names[] = {"", "error", "warning", "info", "debug"};
    (void)user;
    fprintf(stderr, "%s: %s: %s\n", tool_name, names[level], line);
}

void tool_log_to_stderr(void)
{
    kith_set_log_sink(write_log_line, KITH_LOG_DEBUG, NULL);
}

char *tool_read_file(const char *path)
{
    enum { MAX_FILE = 1 << 20 };
    FILE *file = fopen(path, "re");
    char *text = file ? tool_alloc(MAX_FILE + 1) : NULL;
    size_t len = file ? fread(text, 1, MAX_FILE, file) : 0;
    bool ok = file && !ferror(file);
    if (!ok)
        tool_error("%s cannot be read: %s", path, strerror(errno));
    else
        text[len] = '\0';
    if (file)
        fclose(file);
    if (!ok)
        free(text);
    return ok ? text : NULL;
}

static bool is_turn(const kith_ice_server *server)
{
    return strncmp(server->urls[0], "turn", 4) == 0;
}

bool tool_has_turn_server(const struct tool_ice_servers *servers)
{
    for (size_t i = 0; i < servers->count; i++)
        if (is_turn(&servers->servers[i]))
            return true;
    return false;
}

/* kith itself judges the URL: it makes a peer connection with it, on an endpoint that goes nowhere.
 */
static bool accepts_ice_server(const kith_ice_server *server, const char *option)
{
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.ice_servers = server;
    config.ice_server_count = 1;
    bool lacks_credentials = is_turn(server) && !server->username;
    kith_endpoint *ep = NULL;
    kith_pc *pc = NULL;
    kith_err err = kith_endpoint_new(&ep, NULL);
    if (err == KITH_OK)
        err = kith_pc_new(&pc, ep, &config);
    if (err != KITH_OK)
        tool_error("%s%s%s", option, tool_error_words(err),
                   lacks_credentials ? ": " TOOL_TURN_URL : "");
    kith_endpoint_free(ep);
    return err == KITH_OK;
}

bool tool_read_tls_roots(struct tool_ice_servers *servers, const char *path)
{
    kith_endpoint_config config = KITH_ENDPOINT_CONFIG_INIT;
    kith_endpoint *ep = NULL;
    free(servers->tls_roots);
    config.tls_roots = servers->tls_roots = tool_read_file(path);
    if (!servers->tls_roots)
        return false;
    kith_err err = kith_endpoint_new(&ep, &config);
    if (err != KITH_OK)
        tool_error("--tls-roots %s: %s", path, tool_error_words(err));
    kith_endpoint_free(ep);
    return err == KITH_OK;
}

/* Cuts the credentials out of `text`, where there are any: what is left is the URL. */
static void take_credentials(kith_ice_server *server, char *text)
{
    char *host = strrchr(text, '@'), *user = strchr(text, ':');
    if (!host || !user || user > host)
        return;
    *host = '\0';
    char *password = strrchr(user + 1, ':');
    if (password) {
        *password = '\0';
        server->username = user + 1;
        server->credential = password + 1;
    }
}

bool tool_add_ice_server(struct tool_ice_servers *servers, const char *url, const char *option)
{
    if (servers->count == TOOL_MAX_ICE_SERVERS || strlen(url) >= TOOL_ICE_SERVER_TEXT / 2) {
        tool_error("%sat most %d servers, each shorter than %d bytes", option, TOOL_MAX_ICE_SERVERS,
                   TOOL_ICE_SERVER_TEXT / 2);
        return false;
    }
    /* The credentials lie behind the URL. */
    char *bare = servers->texts[servers->count], *text = bare + TOOL_ICE_SERVER_TEXT / 2;
    const char *host = strrchr(url, '@'), *scheme = strchr(url, ':');
    strcpy(text, url);
    strcpy(bare, url);
    if (host && scheme && scheme < host)
        strcpy(bare + (scheme + 1 - url), host + 1);
    servers->urls[servers->count] = bare;
    kith_ice_server *server = &servers->servers[servers->count];
    *server = (kith_ice_server){.urls = &servers->urls[servers->count], .url_count = 1};
    take_credentials(server, text);
    servers->count++;
    return accepts_ice_server(server, option);
}

/* ---- text ---- */

char *tool_base64_encode(const void *data, size_t len)
{
    if (len > INT_MAX / 2)
        return NULL;
    char *text = tool_alloc((len + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *)text, data, (int)len);
    return text;
}

static size_t count_padding(const char *text, size_t text_len)
{
    if (text_len >= 2 && text[text_len - 2] == '=' && text[text_len - 1] == '=')
        return 2;
    return text_len >= 1 && text[text_len - 1] == '=' ? 1 : 0;
}

uint8_t *tool_base64_decode(const char *text, size_t text_len, size_t *len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t padding = count_padding(text, text_len);
    if (text_len % 4 != 0 || text_len > INT_MAX)
        return NULL;
    /* EVP_DecodeBlock forgives white space around the text; RFC 4648 section 3.3 does not. */
    for (size_t i = 0; i < text_len - padding; i++)
        if (text[i] == '\0' || !strchr(alphabet, text[i]))
            return NULL;
    uint8_t *data = tool_alloc(text_len / 4 * 3 + 1);
    int decoded = EVP_DecodeBlock(data, (const unsigned char *)text, (int)text_len);
    if (decoded < 0) {
        free(data);
        return NULL;
    }
    *len = (size_t)decoded - padding;
    return data;
}

/* Length of the well-formed UTF-8 sequence at the start of data; 0: ill-formed (Unicode 15, table
 * 3-7). */
static size_t utf8_sequence(const uint8_t *data, size_t len)
{
    uint8_t first = data[0], low = 0x80, high = 0xbf;
    size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first > 0xf4 || size == 0 || size > len)
        return 0;
    if (first == 0xe0)
        low = 0xa0;
    if (first == 0xed)
        high = 0x9f;
    if (first == 0xf0)
        low = 0x90;
    if (first == 0xf4)
        high = 0x8f;
    for (size_t i = 1; i < size; i++, low = 0x80, high = 0xbf)
        if (data[i] < low || data[i] > high)
            return 0;
    return size;
}

json_t *tool_json_text(const void *data, size_t len)
{
    json_t *string = json_stringn(data, len);
    if (string)
        return string;
    const uint8_t *from = data;
    char *repaired = tool_alloc(len * 3 + 1); /* U+FFFD takes three bytes */
    size_t to = 0;
    for (size_t i = 0; i < len;) {
        size_t size = utf8_sequence(from + i, len - i);
        memcpy(repaired + to, size ? (const void *)(from + i) : "\xef\xbf\xbd", size ? size : 3);
        to += size ? size : 3;
        i += size ? size : 1;
    }
    string = json_stringn(repaired, to);
    free(repaired);
    return string;
}

/* ---- a TURN server ---- */

void tool_random_text(char text[TOOL_RANDOM_TEXT])
{
    uint8_t bytes[TOOL_RANDOM_TEXT / 2];
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        tool_error("there are no random numbers");
        exit(TOOL_FAILED);
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

bool tool_is_same_secret(const char *a, const char *b)
{
    size_t len = strlen(a);
    return len == strlen(b) && CRYPTO_memcmp(a, b, len) == 0;
}

uint64_t tool_ntp_time_at_zero(void)
{
    /* Seconds from 1900 to 1970 (RFC 868). */
    const kith_time ntp_to_unix = KITH_SECONDS(2208988800);
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    return (uint64_t)(KITH_SECONDS(wall.tv_sec) + wall.tv_nsec / 1000 + ntp_to_unix -
                      kith_clock_now());
}

void tool_turn_credential(char **username, char **credential, const char *secret, const char *name,
                          unsigned seconds)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    size_t cap = strlen(name) + 24;
    *username = tool_alloc(cap);
    snprintf(*username, cap, "%lld:%s", (long long)wall.tv_sec + seconds, name);
    if (!HMAC(EVP_sha1(), secret, (int)strlen(secret), (const unsigned char *)*username,
              strlen(*username), mac, &mac_len)) {
        tool_error("HMAC-SHA1 is not available");
        exit(TOOL_FAILED);
    }
    *credential = tool_base64_encode(mac, mac_len);
}

void tool_allow_many_sockets(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- SHA-256 ---- */

struct tool_sha256 {
    EVP_MD_CTX *context;
};

tool_sha256 *tool_sha256_new(void)
{
    tool_sha256 *hash = tool_alloc(sizeof *hash);
    hash->context = EVP_MD_CTX_new();
    if (!hash->context || EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1) {
        tool_error("SHA-256 is not available");
        exit(TOOL_FAILED);
    }
    return hash;
}

void tool_sha256_add(tool_sha256 *hash, const void *data, size_t len)
{
    EVP_DigestUpdate(hash->context, data, len);
}

void tool_sha256_finish(tool_sha256 *hash, char hex[TOOL_SHA256_HEX])
{
    uint8_t digest[EVP_MAX_MD_SIZE] = {0};
    EVP_DigestFinal_ex(hash->context, digest, NULL);
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void tool_sha256_free(tool_sha256 *hash)
{
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

/* ---- memory ---- */

void *tool_alloc(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory) {
        tool_error("out of memory");
        exit(TOOL_FAILED);
    }
    return memory;
}

void *tool_resize(void *memory, size_t size)
{
    void *moved = realloc(memory, size ? size : 1);
    if (!moved) {
        tool_error("out of memory");
        exit(TOOL_FAILED);
    }
    return moved;
}

char *tool_copy_text(const char *text)
{
    char *copy = tool_alloc(strlen(text) + 1);
    memcpy(copy, text, strlen(text));
    return copy;
}

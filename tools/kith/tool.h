/* What the subcommands of `kith` share: exit statuses, words on stderr, option reading, small
 * helpers around foreign libraries (OpenSSL for hashes and base64, jansson for JSON). No peer
 * logic. */
#ifndef KITH_TOOL_H
#define KITH_TOOL_H

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kith/kith.h"

/* Exit statuses of all subcommands; docs/man/kith.1 has the table. */
enum {
    TOOL_OK = 0,
    TOOL_FAILED = 1,
    TOOL_USAGE = 2,
    /* no connection to the other side, or to its signalling, came about */
    TOOL_NOT_CONNECTED = 3,
    /* the other side refused us: the room is full, a certificate or password is wrong */
    TOOL_REFUSED = 4,
};

/* Subcommands: argv[0] is the subcommand's name; the return value is the exit status. */
int kith_tool_peer(int argc, char **argv);
int kith_tool_serve(int argc, char **argv);
int kith_tool_turn(int argc, char **argv);
int kith_tool_doctor(int argc, char **argv);
int kith_tool_bench(int argc, char **argv);
int kith_tool_sdp(int argc, char **argv);

/* "kith peer: …" on stderr, one line. */
void tool_error(const char *format, ...) KITH_PRINTF(1, 2);
/* The same with what kith_last_error() says after a call that gave `err`. */
void tool_kith_error(const char *what, kith_err err);
/* What kith_last_error() says of it, else what kith_err_text does. */
const char *tool_error_words(kith_err err);
/* Sets the prefix of tool_error. */
void tool_set_name(const char *name);

/* ---- options ---- */

/* getopt_long that explains unknown options and missing values in words; -1 at the end, '?' after
 * an explanation. */
int tool_getopt(int argc, char **argv, const struct option *options);
/* A whole number in decimal within [min, max]; explains and gives false otherwise. */
bool tool_read_number(long *out, const char *text, const char *option, long min, long max);
/* ADDRESS:PORT, [IPV6]:PORT, localhost:PORT, :PORT or PORT, without an address 127.0.0.1; false
 * after explaining. Port 0 is any free one. */
bool tool_parse_listen(kith_address *out, const char *text);
/* 0.0.0.0 or ::. */
bool tool_is_any(const kith_address *address);
/* In 127.0.0.0/8, or ::1. */
bool tool_is_loopback(const kith_address *address);
/* The value of an option that is a port; false after explaining. */
bool tool_read_port(uint16_t *out, const char *text, const char *option);
/* "BEGIN-END". */
bool tool_read_port_range(uint16_t *begin, uint16_t *end, const char *text, const char *option);

enum { TOOL_MAX_EXTERNAL = 16 };

/* The --external options: how the world sees addresses of this machine. */
struct tool_externals {
    /* NULL ends them */
    const char *texts[TOOL_MAX_EXTERNAL + 1];
    size_t count;
    bool only;
};

bool tool_add_external(struct tool_externals *list, const char *text);
void tool_set_externals(kith_loop_config *config, const struct tool_externals *list);
/* The text of a file of 1 MiB at most; free(). NULL after explaining. */
char *tool_read_file(const char *path);
/* Sends kith's log to stderr at debug level. */
void tool_log_to_stderr(void);

enum { TOOL_MAX_ICE_SERVERS = 16, TOOL_ICE_SERVER_TEXT = 1500 };

/* The --ice-server options as kith wants them. */
struct tool_ice_servers {
    const char *urls[TOOL_MAX_ICE_SERVERS];
    char texts[TOOL_MAX_ICE_SERVERS][TOOL_ICE_SERVER_TEXT];
    kith_ice_server servers[TOOL_MAX_ICE_SERVERS];
    size_t count;
    /* of --tls-roots, which lives as long as the program; NULL: the system's */
    char *tls_roots;
};

#define TOOL_TURN_URL "turn:USERNAME:PASSWORD@HOST[:PORT]"
/* What --help says of --tls-roots behind its name. */
#define TOOL_TLS_ROOTS_HELP "PEM of whom turns: servers' certificates must come from"

/* A URL, for TURN with its credentials (TOOL_TURN_URL); the user's name may have colons, as that of
 * a time-limited credential has. False with words, which begin with `option`, when kith does not
 * accept it or there are too many. */
bool tool_add_ice_server(struct tool_ice_servers *servers, const char *url, const char *option);
/* The value of --tls-roots: a file of certificates in PEM. False after explaining. */
bool tool_read_tls_roots(struct tool_ice_servers *servers, const char *path);
/* Is there one of TURN among them? */
bool tool_has_turn_server(const struct tool_ice_servers *servers);

/* ---- text ---- */

/* Base64 of data, NUL-terminated; free(). NULL: out of memory. */
char *tool_base64_encode(const void *data, size_t len);
/* The bytes of a base64 text (RFC 4648, padded, no line breaks); free(). NULL when malformed. */
uint8_t *tool_base64_decode(const char *text, size_t text_len, size_t *len);
/* A JSON string of bytes that ought to be UTF-8; what is not becomes U+FFFD, as a browser decodes
 * it. */
json_t *tool_json_text(const void *data, size_t len);

/* ---- a TURN server ---- */

/* The ports of STUN and TURN, without and with TLS: RFC 8489 section 8, RFC 7065 section 3.1. */
enum { TOOL_TURN_PORT = 3478, TOOL_TURNS_PORT = 5349, TOOL_RANDOM_TEXT = 33 };

/* 128 random bits in hexadecimal and a NUL. */
void tool_random_text(char text[TOOL_RANDOM_TEXT]);
/* Compares two texts in a time that does not tell where they differ. */
bool tool_is_same_secret(const char *a, const char *b);
/* kith_turn_server_config's ntp_time_at_zero for kith_clock_now. */
uint64_t tool_ntp_time_at_zero(void);
/* A time-limited credential (kith_turn_server_config's secret) for so many seconds from now; free()
 * both. */
void tool_turn_credential(char **username, char **credential, const char *secret, const char *name,
                          unsigned seconds);
/* As many file descriptors as the system lets this process have: a relayed address is a socket. */
void tool_allow_many_sockets(void);

/* ---- SHA-256 ---- */

enum { TOOL_SHA256_HEX = 65 };

typedef struct tool_sha256 tool_sha256;
tool_sha256 *tool_sha256_new(void); /* aborts without memory */
void tool_sha256_add(tool_sha256 *hash, const void *data, size_t len);
/* Lower-case hexadecimal and a NUL; the hash can only be freed afterwards. */
void tool_sha256_finish(tool_sha256 *hash, char hex[TOOL_SHA256_HEX]);
void tool_sha256_free(tool_sha256 *hash); /* NULL is fine */

/* malloc and realloc for a command-line tool: out of memory ends the process with a word about it.
 */
void *tool_alloc(size_t size); /* zeroed */
void *tool_resize(void *memory, size_t size);
char *tool_copy_text(const char *text);

#endif

/* What carries texts: a WebSocket (websocket.c) or lines of standard input and output (lines.c).
 * Both say what happens in the loop's thread, between its events. */
#ifndef KITH_SIGNALER_WIRE_H
#define KITH_SIGNALER_WIRE_H

#include "kith/loop.h"

/* Texts that are sent have at most 256 KiB; one that comes may be longer by its address. */
#define KITH_WIRE_MAX_TEXT    ((size_t)256 * 1024)
#define KITH_WIRE_MAX_MESSAGE (2 * KITH_WIRE_MAX_TEXT)

typedef struct kith_wire_callbacks {
    /* NUL-terminated, beyond len; borrowed */
    void (*text)(void *user, const char *text, size_t len);
    /* It is at its end, and says why; final: another one would fare no better. */
    void (*closed)(void *user, const char *words, bool is_final);
} kith_wire_callbacks;

/* ---- websocket.c: one connection, made by a thread of its own, since names may take long ---- */

typedef struct kith_websocket kith_websocket;

typedef struct kith_websocket_url {
    bool uses_tls;
    uint16_t port;
    /* without brackets; HOST[:PORT] as given; with its query */
    char *host, *authority, *path;
} kith_websocket_url;

/* False: it is no ws or wss URL. */
bool kith_websocket_parse_url(kith_websocket_url *url, const char *text);
void kith_websocket_free_url(kith_websocket_url *url);

/* `protocols`: for Sec-WebSocket-Protocol. What is borrowed outlives it. NULL with errno. */
kith_websocket *kith_websocket_open(kith_loop *loop, const kith_websocket_url *url,
                                    const char *protocols, const char *ca_file,
                                    const kith_wire_callbacks *callbacks, void *user);
/* Copied. False: out of memory, or too much waits; then the loop asks its companions again when
 * that has left. */
bool kith_websocket_send(kith_websocket *ws, const char *text, size_t len);
/* Says what waits and takes leave; nothing is called back any more. NULL is fine. */
void kith_websocket_close(kith_websocket *ws);

/* ---- lines.c ---- */

typedef struct kith_lines kith_lines;

/* KITH_OK, or what kith_loop_watch says. */
kith_err kith_lines_open(kith_lines **out, kith_loop *loop, int input, int output,
                         const kith_wire_callbacks *callbacks, void *user);
/* Copied; line feeds within become spaces, as JSON has them (RFC 8259 section 2). False: out of
 * memory, or too much waits. */
bool kith_lines_send(kith_lines *lines, const char *text, size_t len);
/* Writes what waits, as long as it is taken at once. NULL is fine. */
void kith_lines_close(kith_lines *lines);

#endif

/* A WebSocket client for signalling, on libwebsockets' loop, which carries a reactor along. Text
 * messages only. */
#ifndef KITH_TOOL_WS_CLIENT_H
#define KITH_TOOL_WS_CLIENT_H

#include "reactor.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct ws_client ws_client;

typedef struct ws_client_callbacks {
    void (*on_open)(void *user);
    void (*on_text)(void *user, const char *text, size_t len);
    /* The connection is gone or never came about; words says why, never NULL. */
    void (*on_close)(void *user, const char *words);
} ws_client_callbacks;

/* Is it ws://HOST[:PORT][/PATH]? False after explaining that it is not. */
bool ws_client_check_url(const char *url);
/* Connects to such a URL, which is borrowed like the callbacks. NULL after explaining, within two
 * seconds when the name does not resolve. */
ws_client *ws_client_new(const char *url, reactor *r, const ws_client_callbacks *callbacks,
                         void *user);
void ws_client_send(ws_client *client, const char *text);
/* Waits once, for the WebSocket and for the reactor. */
void ws_client_run_once(ws_client *client);
/* NULL is fine. */
void ws_client_free(ws_client *client);

#endif

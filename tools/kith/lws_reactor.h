/* Puts a reactor into libwebsockets' poll loop: its epoll descriptor is adopted as a raw file, so
 * that one thread waits for WebSockets and for everything that the reactor watches. */
#ifndef KITH_TOOL_LWS_REACTOR_H
#define KITH_TOOL_LWS_REACTOR_H

#include "reactor.h"

#include <libwebsockets.h>

/* The protocol that a context or vhost has to list; `r` outlives it. */
struct lws_protocols lws_reactor_protocol(reactor *r);
/* False when the descriptor cannot be adopted. */
bool lws_reactor_adopt(struct lws_vhost *vhost, reactor *r);
/* Waits for and handles something, here or there. */
void lws_reactor_service(struct lws_context *context, reactor *r);

#endif

/* Perfect negotiation (webrtc-pc section 10.7) over a signalling of your own: texts are made of
 * what a peer connection wants said, and calls of the texts that come. The texts are the JSON of
 * browsers (kith/json.h), so that the other side may be a page:
 *
 *     pc.onicecandidate = e => send(JSON.stringify(e.candidate))
 *     pc.onnegotiationneeded = async () => { await pc.setLocalDescription();
 * send(JSON.stringify(pc.localDescription)) }
 *
 * Give it every event of the peer connection and every text that comes, and after each of these
 * send what kith_negotiator_poll gives. Nothing is decided before it is asked for: who is not
 * connected to its signalling does not ask, and loses nothing. The signalling must keep the order
 * of what one side says and deliver nothing twice. A negotiator belongs to the thread of its peer
 * connection, does no I/O and is freed before it. */
#ifndef KITH_NEGOTIATOR_H
#define KITH_NEGOTIATOR_H

#include "kith/event.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kith_negotiator kith_negotiator;

typedef struct kith_negotiator_config {
    size_t size;
    /* Gives way when offers cross. Exactly one side does: the later one in a room of two, say. */
    bool polite;
    /* One text a description, once gathering is complete, with all its candidates. */
    bool no_trickle;
    /* An ICE restart when the connection failed. */
    bool restart_on_failure;
    /* false, or NOT_SUPPORTED: what would be padding belongs to later versions */
    bool reserved[5];
} kith_negotiator_config;

#ifdef __cplusplus
#define KITH_NEGOTIATOR_CONFIG_INIT KITH_INIT_OF(kith_negotiator_config)
#else
#define KITH_NEGOTIATOR_CONFIG_INIT            \
    {                                          \
        .size = sizeof(kith_negotiator_config) \
    }
#endif

/* cfg NULL: defaults. TYPE when it does not begin with KITH_NEGOTIATOR_CONFIG_INIT. */
KITH_API KITH_MUST_CHECK kith_err kith_negotiator_new(kith_negotiator **out, kith_pc *pc,
                                                      const kith_negotiator_config *cfg);
/* NULL is fine. */
KITH_API void kith_negotiator_free(kith_negotiator *n);

/* An event; those of other peer connections are ignored. NO_MEMORY: give it again. */
KITH_API KITH_MUST_CHECK kith_err kith_negotiator_handle_event(kith_negotiator *n,
                                                               const kith_event *ev);
/* A text from the peer. SYNTAX and TYPE when it is none (kith/json.h), else the error of
 * kith_pc_set_remote_description or kith_pc_add_ice_candidate; the peer connection is then as it
 * was. No error: an offer that crossed ours while we are not polite, its candidates, an answer that
 * comes again. Candidates that overtake their description wait for it: RANGE for more than 64
 * of them, or one of more than 8 KiB. */
KITH_API KITH_MUST_CHECK kith_err kith_negotiator_receive(kith_negotiator *n, const char *text,
                                                          size_t len);
/* Sets *text to the next text for the peer, borrowed until the next call with n; NULL: none. Makes
 * the offer that is needed and the answer that is due: an error is that of
 * kith_pc_set_local_description; asked again, it is tried again. */
KITH_API KITH_MUST_CHECK kith_err kith_negotiator_poll(kith_negotiator *n, const char **text);

/* The signalling was interrupted and has lost what was under way, or others are there now: an offer
 * that waits for its answer is said once more, else our candidates are. NO_MEMORY: do it again. */
KITH_API KITH_MUST_CHECK kith_err kith_negotiator_resend(kith_negotiator *n);
/* Who gives way is known only now: from the server's welcome, say. */
KITH_API void kith_negotiator_set_polite(kith_negotiator *n, bool polite);

#ifdef __cplusplus
}
#endif
#endif

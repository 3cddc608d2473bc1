/* Texts of ours to the hub: those that wait, and those that left and may have been lost with a
 * connection. A hub counts what it takes; what it has not is said once more. */
#ifndef KITH_SIGNALER_OUTBOX_H
#define KITH_SIGNALER_OUTBOX_H

#include "kith/base.h"

#define KITH_OUTBOX_TEXTS ((size_t)256)
#define KITH_OUTBOX_BYTES ((size_t)1024 * 1024)

typedef struct kith_outbox_text {
    struct kith_outbox_text *next;
    size_t len;
    char data[];
} kith_outbox_text;

typedef struct kith_outbox {
    kith_outbox_text *first, **last;
    /* of all in it; of these so many have left, the first ones */
    size_t count, bytes, left;
    /* that left and are forgotten */
    uint64_t forgotten;
} kith_outbox;

void kith_outbox_init(kith_outbox *box);
void kith_outbox_deinit(kith_outbox *box);
/* AGAIN: too much waits. NO_MEMORY. */
KITH_MUST_CHECK kith_err kith_outbox_add(kith_outbox *box, const char *text, size_t len);
/* The next that waits, which has left from now on; NULL: none. Borrowed until the next call. */
const kith_outbox_text *kith_outbox_next(kith_outbox *box);
/* Another connection to the same hub, which has taken so many texts. */
void kith_outbox_rewind(kith_outbox *box, uint64_t taken);
/* A hub that knows nothing of us. */
void kith_outbox_forget(kith_outbox *box);

#endif

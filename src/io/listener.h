/* A TCP socket that listens, of whatever it is for. */
#ifndef KITH_IO_LISTENER_H
#define KITH_IO_LISTENER_H

#include "io/io.h"

typedef struct kith_listener {
    kith_watch watch;
    /* with others that one looks after */
    kith_list_node in_list;
    kith_address local;
    /* A connection has come on fd, which is non-blocking and the receiver's to close. */
    void (*accepted)(kith_loop *loop, const struct kith_listener *from, int fd,
                     const kith_path *path);
    /* not before; KITH_NEVER: it listens */
    kith_time again_at;
} kith_listener;

/* Listens at *local, whose port 0 becomes the one that it is; l->accepted is set. SYSTEM, and then
 * there is nothing to close. */
KITH_MUST_CHECK kith_err kith_listener_open(kith_loop *loop, kith_listener *l, kith_list *list,
                                            kith_address *local);
/* Leaves its list, and is not freed. */
void kith_listener_close(kith_listener *l);
/* False: another TCP socket has that address. */
bool kith_listener_may_open(const kith_address *local);
/* Listens again where files had run out; when that is due. */
void kith_listeners_update(kith_loop *loop, const kith_list *list);
kith_time kith_listeners_deadline(const kith_list *list);

#endif

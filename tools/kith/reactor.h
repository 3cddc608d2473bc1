/* Waits on descriptors and calls back: standard input and output, a peer's loop, a timer, signals,
 * the pipes of a program. It is an epoll instance, so its own descriptor can be put into another
 * event loop. */
#ifndef KITH_TOOL_REACTOR_H
#define KITH_TOOL_REACTOR_H

#include <stdbool.h>
#include <stdint.h>

typedef struct reactor reactor;
typedef struct reactor_source reactor_source;

/* REACTOR_GONE: nobody reads at the other end any more; the others tell of that, too. */
enum { REACTOR_READ = 1, REACTOR_WRITE = 2, REACTOR_GONE = 4 };

/* The descriptor is ready, or at its end, which a read will tell. */
typedef void (*reactor_callback)(void *user);

reactor *reactor_new(void); /* NULL with errno */
void reactor_free(reactor *r);
/* Watches fd for `interest` (0: nothing for now). A regular file is always ready. NULL with errno.
 */
reactor_source *reactor_add(reactor *r, int fd, unsigned interest, reactor_callback callback,
                            void *user);
/* Watches it no more; the descriptor stays open. Any callback may do so. NULL is fine. */
void reactor_remove(reactor_source *source);
void reactor_set_interest(reactor_source *source, unsigned interest);
/* Calls back whatever is ready; waits for it first when `wait`. */
void reactor_run_once(reactor *r, bool wait);
/* Readable when reactor_run_once(r, false) has work, unless reactor_is_busy. */
int reactor_fd(const reactor *r);
/* Calls back in the next run whatever the descriptor says: there is work left. */
void reactor_again(reactor_source *source);
/* Some source is ready anyway, as regular files are: do not sleep. */
bool reactor_is_busy(const reactor *r);

#endif

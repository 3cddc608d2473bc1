/* libsrtp2's set-up, once for the process and never torn down: other threads may have sessions. It
 * has a handler of events for the whole process too, which is left as it is: silent. */
#include <pthread.h>

#include <srtp2/srtp.h>

#include "srtp/memory.h"
#include "srtp/session.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool ready;

bool kith_srtp_library_ready(void)
{
    pthread_mutex_lock(&lock);
    if (!ready) {
        kith_srtp_memory_is_for_tables(true);
        ready = srtp_init() == srtp_err_status_ok;
        /* It refuses to be told twice of what it loaded before it failed. */
        if (!ready)
            (void)srtp_shutdown();
        kith_srtp_memory_is_for_tables(false);
    }
    bool is_ready = ready;
    pthread_mutex_unlock(&lock);
    return is_ready;
}

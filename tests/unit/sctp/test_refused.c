/* usrsctp refuses to reset a stream. The linker puts this file between it and us. */
#include <errno.h>

#include <usrsctp.h>

#include "wire.h"

int __real_usrsctp_setsockopt(struct socket *socket, int level, int name, const void *value,
                              socklen_t len);
int __wrap_usrsctp_setsockopt(struct socket *socket, int level, int name, const void *value,
                              socklen_t len);

/* Resets that were asked for, and the errno of the first so many. */
static unsigned asked, refuses;
static int why;

int __wrap_usrsctp_setsockopt(struct socket *socket, int level, int name, const void *value,
                              socklen_t len)
{
    if (name != SCTP_RESET_STREAMS || asked++ >= refuses)
        return __real_usrsctp_setsockopt(socket, level, name, value, len);
    errno = why;
    return -1;
}

/* Closes stream 1, which is refused so often; how often it was asked for. */
static unsigned close_refused(unsigned times, int with)
{
    wire *w = wire_up();
    asked = 0;
    refuses = times;
    why = with;
    kith_sctp_stream params = {.priority = 256};
    ck_assert_int_eq(kith_sctp_open(w->side[LEFT].sctp, 1, &params), KITH_OK);
    kith_sctp_close_stream(w->side[LEFT].sctp, 1);
    /* Each turn of the association tries again. */
    for (int i = 0; i < 20; i++) {
        kith_sctp_path_restored(w->side[LEFT].sctp);
        run(w, KITH_MS(100));
    }
    ck_assert_uint_eq(w->side[LEFT].seen.closings[1], 1);
    ck_assert_int_eq(kith_sctp_get_state(w->side[LEFT].sctp), KITH_SCTP_CONNECTED);
    wire_down(w);
    return asked;
}

START_TEST(a_reset_that_is_refused_is_asked_for_again)
{
    /* and that of the right in answer */
    ck_assert_uint_eq(close_refused(3, EALREADY), 3 + 2);
}
END_TEST

START_TEST(a_reset_that_is_refused_again_and_again_counts_as_done)
{
    ck_assert_uint_eq(close_refused(1000, EALREADY), 8);
    ck_assert_uint_eq(close_refused(1000, EOPNOTSUPP), 1);
}
END_TEST

UNIT_MAIN("sctp: refused", a_reset_that_is_refused_is_asked_for_again,
          a_reset_that_is_refused_again_and_again_counts_as_done)

/* A reactor inside libwebsockets. */
#include "lws_reactor.h"

#include <fcntl.h>

static const char name[] = "kith-reactor";

static int on_ready(struct lws *wsi, enum lws_callback_reasons reason, void *session, void *in,
                    size_t len)
{
    (void)session;
    (void)in;
    (void)len;
    const struct lws_protocols *protocol = lws_get_protocol(wsi);
    if ((int)reason == LWS_CALLBACK_RAW_RX_FILE || (int)reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED)
        reactor_run_once(protocol->user, false);
    return 0;
}

struct lws_protocols lws_reactor_protocol(reactor *r)
{
    return (struct lws_protocols){.name = name, .callback = on_ready, .user = r};
}

bool lws_reactor_adopt(struct lws_vhost *vhost, reactor *r)
{
    /* The library closes what it adopted. */
    lws_sock_file_fd_type fd = {.filefd = fcntl(reactor_fd(r), F_DUPFD_CLOEXEC, 0)};
    return fd.filefd >= 0 &&
           lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, fd, name, NULL);
}

void lws_reactor_service(struct lws_context *context, reactor *r)
{
    if (reactor_is_busy(r))
        lws_cancel_service(context);
    lws_service(context, 0);
}

/* What streams of one side share, as stream.c sees it. */
#ifndef KITH_TLS_STREAM_CONTEXT_H
#define KITH_TLS_STREAM_CONTEXT_H

#include <openssl/ssl.h>

#include "tls/stream.h"

struct kith_tls_context {
    SSL_CTX *ssl;
};

#endif

/* The streams of a libsrtp2 session in a hash by SSRC, in place of libsrtp2's own list
 * (SRTP_NO_STREAM_LIST, stream_list_priv.h), which is walked for every packet. A forged packet costs
 * one look-up; a peer that chooses SSRCs for one bucket makes the walk of that bucket as long as the
 * list was: kith keeps no more than 256 streams. */
#include "config.h"

#include "alloc.h"
#include "stream_list_priv.h"

#define BUCKETS 64

typedef struct srtp_stream_list_ctx_t_ {
    /* the most recent packet's, for packets of a stream come together; NULL: none */
    srtp_stream_t recent;
    srtp_stream_t buckets[BUCKETS];
} list;

/* Fibonacci hashing: the upper six bits of the product. */
static srtp_stream_t *bucket_of(srtp_stream_list_t all, uint32_t ssrc)
{
    return &all->buckets[(ssrc * UINT32_C(2654435769)) >> 26];
}

srtp_err_status_t srtp_stream_list_alloc(srtp_stream_list_t *out)
{
    *out = srtp_crypto_alloc(sizeof(list));
    return *out ? srtp_err_status_ok : srtp_err_status_alloc_fail;
}

srtp_err_status_t srtp_stream_list_dealloc(srtp_stream_list_t all)
{
    for (int i = 0; all && i < BUCKETS; i++)
        if (all->buckets[i])
            return srtp_err_status_fail;
    srtp_crypto_free(all);
    return srtp_err_status_ok;
}

srtp_err_status_t srtp_stream_list_insert(srtp_stream_list_t all, srtp_stream_t stream)
{
    srtp_stream_t *bucket = bucket_of(all, stream->ssrc);
    stream->prev = NULL;
    stream->next = *bucket;
    if (stream->next)
        stream->next->prev = stream;
    *bucket = stream;
    return srtp_err_status_ok;
}

srtp_stream_t srtp_stream_list_get(srtp_stream_list_t all, uint32_t ssrc)
{
    if (all->recent && all->recent->ssrc == ssrc)
        return all->recent;
    for (srtp_stream_t stream = *bucket_of(all, ssrc); stream; stream = stream->next)
        if (stream->ssrc == ssrc)
            return all->recent = stream;
    return NULL;
}

void srtp_stream_list_remove(srtp_stream_list_t all, srtp_stream_t stream)
{
    if (all->recent == stream)
        all->recent = NULL;
    if (stream->prev)
        stream->prev->next = stream->next;
    else
        *bucket_of(all, stream->ssrc) = stream->next;
    if (stream->next)
        stream->next->prev = stream->prev;
}

void srtp_stream_list_for_each(srtp_stream_list_t all, int (*callback)(srtp_stream_t, void *), void *data)
{
    /* none yet, when a session could not be made */
    for (int i = 0; all && i < BUCKETS; i++) {
        for (srtp_stream_t stream = all->buckets[i], next; stream; stream = next) {
            next = stream->next;
            if (callback(stream, data))
                return;
        }
    }
}

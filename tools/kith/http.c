/* The page over HTTP, from memory, and the checks of Host and Origin. */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 256 };

static bool copy_header(struct lws *wsi, enum lws_token_indexes token, char value[MAX_HEADER])
{
    value[0] = '\0';
    return lws_hdr_total_length(wsi, token) > 0 && lws_hdr_copy(wsi, value, MAX_HEADER, token) > 0;
}

/* Digits, dots and so on: an IP address cannot be pointed elsewhere by a name server. */
static bool parse_host(kith_address *out, const char *host)
{
    char name[MAX_HEADER];
    snprintf(name, sizeof name, "%s", host);
    char *port = strrchr(name, ':');
    if (kith_address_parse(out, host) == KITH_OK)
        return true;
    if (host[0] == '[' && name[strlen(name) - 1] == ']') {
        name[strlen(name) - 1] = '\0';
        return kith_address_parse(out, name + 1) == KITH_OK;
    }
    if (port)
        *port = '\0';
    *out = (kith_address){.family = KITH_IPV4, .ip = {127, 0, 0, 1}};
    return strcmp(name, "localhost") == 0;
}

bool http_read_host(struct lws *wsi, kith_address *out)
{
    char host[MAX_HEADER];
    return copy_header(wsi, WSI_TOKEN_HOST, host) && parse_host(out, host);
}

bool http_is_local_host(struct lws *wsi)
{
    kith_address host;
    return http_read_host(wsi, &host);
}

bool http_is_own_origin(struct lws *wsi)
{
    static const char scheme[] = "http://";
    char host[MAX_HEADER], origin[MAX_HEADER];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0)
        return true; /* not a browser */
    return copy_header(wsi, WSI_TOKEN_ORIGIN, origin) && copy_header(wsi, WSI_TOKEN_HOST, host) &&
           strncmp(origin, scheme, sizeof scheme - 1) == 0 &&
           strcmp(origin + sizeof scheme - 1, host) == 0;
}

static const struct web_file *find_file(const char *path)
{
    for (size_t i = 0; i < web_file_count; i++)
        if (strcmp(web_files[i].path, path) == 0)
            return &web_files[i];
    return NULL;
}

static const struct header {
    const char *name, *value;
} page_headers[] = {
    {"x-content-type-options:", "nosniff"},
    {"referrer-policy:", "no-referrer"},
    {"cache-control:", "no-store"},
    /* Both together let the page measure time finely: without them Firefox rounds to milliseconds.
     */
    {"cross-origin-opener-policy:", "same-origin"},
    {"cross-origin-embedder-policy:", "require-corp"},
};

/* Nothing from elsewhere, nothing inline; 'self' does not cover ws: in every browser. */
static bool add_policy(struct lws *wsi, unsigned char **at, unsigned char *end)
{
    char host[MAX_HEADER], policy[2 * MAX_HEADER + 200];
    copy_header(wsi, WSI_TOKEN_HOST, host);
    int len = snprintf(policy, sizeof policy,
                       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' "
                       "data:; connect-src 'self' ws://%s; base-uri 'none'; form-action 'none'; "
                       "frame-ancestors 'none'",
                       host);
    return lws_add_http_header_by_name(wsi, (const unsigned char *)"content-security-policy:",
                                       (const unsigned char *)policy, len, at, end) == 0;
}

static bool write_headers(struct lws *wsi, unsigned status, const char *content_type, size_t len)
{
    unsigned char buffer[LWS_PRE + 2048], *start = buffer + LWS_PRE, *at = start;
    unsigned char *end = buffer + sizeof buffer - 1;
    if (lws_add_http_common_headers(wsi, status, content_type, len, &at, end) ||
        !add_policy(wsi, &at, end))
        return false;
    for (size_t i = 0; i < sizeof page_headers / sizeof *page_headers; i++)
        if (lws_add_http_header_by_name(wsi, (const unsigned char *)page_headers[i].name,
                                        (const unsigned char *)page_headers[i].value,
                                        (int)strlen(page_headers[i].value), &at, end))
            return false;
    return lws_finalize_write_http_header(wsi, start, &at, end) == 0;
}

int http_refuse(struct lws *wsi, unsigned status, const char *words)
{
    unsigned char body[LWS_PRE + 256];
    int len = snprintf((char *)body + LWS_PRE, sizeof body - LWS_PRE, "%s\n", words);
    if (!write_headers(wsi, status, "text/plain; charset=utf-8", (size_t)len) ||
        lws_write(wsi, body + LWS_PRE, (size_t)len, LWS_WRITE_HTTP_FINAL) < len)
        return -1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

int http_serve_page(struct lws *wsi, const char *uri)
{
    const struct web_file *file = find_file(strcmp(uri, "/") == 0 ? "/index.html" : uri);
    bool is_get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
    bool is_head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    if (!http_is_local_host(wsi))
        return http_refuse(wsi, HTTP_STATUS_FORBIDDEN,
                           "open this page by an IP address or as localhost");
    if (!is_get && !is_head)
        return http_refuse(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED, "only GET and HEAD");
    if (!file)
        return http_refuse(wsi, HTTP_STATUS_NOT_FOUND, "there is no such page");
    if (!write_headers(wsi, HTTP_STATUS_OK, file->content_type, file->len))
        return -1;
    if (is_head)
        return lws_http_transaction_completed(wsi) ? -1 : 0;
    lws_set_opaque_user_data(wsi, (void *)(uintptr_t)file);
    lws_callback_on_writable(wsi);
    return 0;
}

int http_write_body(struct lws *wsi)
{
    const struct web_file *file = lws_get_opaque_user_data(wsi);
    if (!file)
        return -1;
    unsigned char *body = tool_alloc(LWS_PRE + file->len);
    memcpy(body + LWS_PRE, file->data, file->len);
    int sent = lws_write(wsi, body + LWS_PRE, file->len, LWS_WRITE_HTTP_FINAL);
    free(body);
    lws_set_opaque_user_data(wsi, NULL);
    return sent < 0 || lws_http_transaction_completed(wsi) ? -1 : 0;
}

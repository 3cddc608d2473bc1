/* Texts to a hub, in order; the first `left` of them have left. */
#include "signaler/outbox.h"

#include <stdlib.h>
#include <string.h>

void kith_outbox_init(kith_outbox *box)
{
    *box = (kith_outbox){0};
    box->last = &box->first;
}

static void drop_first(kith_outbox *box)
{
    kith_outbox_text *text = box->first;
    box->first = text->next;
    if (!box->first)
        box->last = &box->first;
    box->count--;
    box->bytes -= text->len;
    free(text);
}

void kith_outbox_deinit(kith_outbox *box)
{
    while (box->first)
        drop_first(box);
}

static void forget_first(kith_outbox *box)
{
    drop_first(box);
    box->left--;
    box->forgotten++;
}

kith_err kith_outbox_add(kith_outbox *box, const char *data, size_t len)
{
    while (box->left > 0 &&
           (box->count == KITH_OUTBOX_TEXTS || box->bytes + len > KITH_OUTBOX_BYTES))
        forget_first(box);
    if (box->count == KITH_OUTBOX_TEXTS || box->bytes + len > KITH_OUTBOX_BYTES)
        return kith_set_last_error(KITH_ERR_AGAIN, "too many texts wait for the signalling");
    kith_outbox_text *text = malloc(sizeof *text + len);
    if (!text)
        return kith_set_last_error(KITH_ERR_NO_MEMORY, "out of memory");
    text->next = NULL;
    text->len = len;
    memcpy(text->data, data, len);
    *box->last = text;
    box->last = &text->next;
    box->count++;
    box->bytes += len;
    return KITH_OK;
}

const kith_outbox_text *kith_outbox_next(kith_outbox *box)
{
    const kith_outbox_text *text = box->first;
    for (size_t i = 0; text && i < box->left; i++)
        text = text->next;
    if (text)
        box->left++;
    return text;
}

void kith_outbox_rewind(kith_outbox *box, uint64_t taken)
{
    while (box->left > 0 && box->forgotten < taken)
        forget_first(box);
    box->left = 0;
}

void kith_outbox_forget(kith_outbox *box)
{
    while (box->left > 0)
        forget_first(box);
    box->forgotten = 0;
}

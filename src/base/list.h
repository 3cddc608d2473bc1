/* Intrusive doubly linked list with a sentinel. Nothing is allocated and nothing can fail. */
#ifndef KITH_BASE_LIST_H
#define KITH_BASE_LIST_H

#include "kith/base.h"

typedef struct kith_list_node {
    struct kith_list_node *next, *prev; /* both NULL: in no list */
} kith_list_node;

typedef struct kith_list {
    kith_list_node head;
} kith_list;

void kith_list_init(kith_list *list);
bool kith_list_empty(const kith_list *list);
void kith_list_append(kith_list *list, kith_list_node *node);
void kith_list_prepend(kith_list *list, kith_list_node *node);
/* Does nothing for a node that is in no list. */
void kith_list_remove(kith_list_node *node);
bool kith_list_has(const kith_list_node *node); /* is it in any list? */
kith_list_node *kith_list_first(const kith_list *list);                            /* or NULL */
kith_list_node *kith_list_next(const kith_list *list, const kith_list_node *node); /* or NULL */
/* Removes and returns the first node, or NULL. */
kith_list_node *kith_list_take(kith_list *list);

/* The struct that a node is a member of. */
#define KITH_OWNER(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

/* For every element; the current one may be removed (and freed) inside the body. */
#define KITH_LIST_EACH(list, node)                                                                 \
    for (kith_list_node *node = (list)->head.next, *node##_next = node->next;                      \
         node != &(list)->head; node = node##_next, node##_next = node->next)

#endif

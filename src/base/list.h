/* Intrusive doubly linked list with a sentinel. Nothing is allocated and nothing can fail. */
#ifndef KITH_BASE_LIST_H
#define KITH_BASE_LIST_H

#include "kith/base.h"

typedef struct kith_list_node {
    /* both NULL: in no list */
    struct kith_list_node *next, *prev;
} kith_list_node;

typedef struct kith_list {
    kith_list_node head;
} kith_list;

static inline void kith_list_init(kith_list *list)
{
    list->head.next = list->head.prev = &list->head;
}

static inline bool kith_list_empty(const kith_list *list)
{
    return list->head.next == &list->head;
}

/* Is it in any list? */
static inline bool kith_list_has(const kith_list_node *node)
{
    return node->next;
}

/* Puts a node that is in no list between `place` and its successor. */
void kith_list_insert_after(kith_list_node *place, kith_list_node *node);

static inline void kith_list_append(kith_list *list, kith_list_node *node)
{
    kith_list_insert_after(list->head.prev, node);
}

/* Does nothing for a node that is in no list. */
static inline void kith_list_remove(kith_list_node *node)
{
    if (!kith_list_has(node))
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}

/* The node after `node`, or NULL at the end. */
static inline kith_list_node *kith_list_next(const kith_list *list, const kith_list_node *node)
{
    return node->next == &list->head ? NULL : node->next;
}

/* The first node, or NULL. */
static inline kith_list_node *kith_list_first(const kith_list *list)
{
    return kith_list_next(list, &list->head);
}

/* Removes and returns the first node, or NULL. */
static inline kith_list_node *kith_list_take(kith_list *list)
{
    kith_list_node *node = kith_list_first(list);
    if (node)
        kith_list_remove(node);
    return node;
}

/* The struct that a node is a member of. */
#define KITH_OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* For every element; the current one may be removed (and freed) inside the body. */
#define KITH_LIST_EACH(list, node)                                            \
    for (kith_list_node *node = (list)->head.next, *node##_next = node->next; \
         node != &(list)->head; node = node##_next, node##_next = node->next)

#endif

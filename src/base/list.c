/* Insertion, the one place where a node in two lists at once would be born. */
#include "base/list.h"

#include <assert.h>

void kith_list_insert_after(kith_list_node *place, kith_list_node *node)
{
    assert(!kith_list_has(node));
    node->prev = place;
    node->next = place->next;
    place->next->prev = node;
    place->next = node;
}

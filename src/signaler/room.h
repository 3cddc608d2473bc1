/* Who is in the room, by the hub's words (tools/kith/hub.c). */
#ifndef KITH_SIGNALER_ROOM_H
#define KITH_SIGNALER_ROOM_H

#include "kith/base.h"

/* A hub that names more is none. */
enum { KITH_ROOM_MEMBERS = 64, KITH_ROOM_WORD = 65 };

typedef struct kith_room_member {
    char id[KITH_ROOM_WORD], epoch[KITH_ROOM_WORD];
    bool polite;
    /* else it has left, and may come again */
    bool is_present;
    /* by the welcome that is being read */
    bool is_named;
} kith_room_member;

typedef struct kith_room {
    kith_room_member members[KITH_ROOM_MEMBERS];
    /* of members; of those that are present */
    size_t count, present;
} kith_room;

/* NULL: nobody. id NULL: whoever is there. */
kith_room_member *kith_room_find(kith_room *room, const char *id);
/* Who has this epoch, present or not; NULL: nobody. */
kith_room_member *kith_room_of_epoch(kith_room *room, const char *epoch);
/* A member comes, or is there: *is_new unless who has this epoch was there before, under whatever
 * id. NULL: the room is full, or the words are no words. `polite`: we are, towards it. */
kith_room_member *kith_room_enter(kith_room *room, const char *id, const char *epoch, bool polite,
                                  bool *is_new);
void kith_room_leave(kith_room *room, kith_room_member *member);

#endif

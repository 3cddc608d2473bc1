/* A short list of members. Who has left is remembered by his epoch, as long as there is room. */
#include "signaler/room.h"

#include <string.h>

kith_room_member *kith_room_find(kith_room *room, const char *id)
{
    for (size_t i = 0; i < room->count; i++) {
        kith_room_member *member = &room->members[i];
        if (member->is_present && (!id || strcmp(member->id, id) == 0))
            return member;
    }
    return NULL;
}

kith_room_member *kith_room_of_epoch(kith_room *room, const char *epoch)
{
    for (size_t i = 0; i < room->count; i++)
        if (strcmp(room->members[i].epoch, epoch) == 0)
            return &room->members[i];
    return NULL;
}

/* In place of one that has left, if there is no other. */
static kith_room_member *make_member(kith_room *room)
{
    if (room->count < KITH_ROOM_MEMBERS)
        return &room->members[room->count++];
    for (size_t i = 0; i < room->count; i++)
        if (!room->members[i].is_present)
            return &room->members[i];
    return NULL;
}

kith_room_member *kith_room_enter(kith_room *room, const char *id, const char *epoch, bool polite,
                                  bool *is_new)
{
    kith_room_member *member = kith_room_of_epoch(room, epoch);
    size_t id_len = strlen(id), epoch_len = strlen(epoch);
    if (id_len >= KITH_ROOM_WORD || epoch_len >= KITH_ROOM_WORD)
        return NULL;
    *is_new = !member;
    if (!member && !(member = make_member(room)))
        return NULL;
    room->present += !member->is_present;
    memcpy(member->id, id, id_len + 1);
    memcpy(member->epoch, epoch, epoch_len + 1);
    member->polite = polite;
    member->is_present = true;
    return member;
}

void kith_room_leave(kith_room *room, kith_room_member *member)
{
    room->present--;
    member->is_present = false;
}

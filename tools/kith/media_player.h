/* Sends files of frames as if they were filmed: at their times, sound and picture in step, again
 * and again. What of them runs, sends and is due is one state for all files. */
#ifndef KITH_TOOL_MEDIA_PLAYER_H
#define KITH_TOOL_MEDIA_PLAYER_H

#include "tool.h"

typedef struct media_player media_player;

/* Opens the files. NULL after explaining. `once`: they end with the longest of them. */
media_player *media_player_open(const char *const *paths, size_t count, bool once);
/* NULL is fine. */
void media_player_free(media_player *player);
/* A track of pc for each file. False after explaining. */
bool media_player_add_tracks(media_player *player, kith_pc *pc);
/* SENDER_STATE and KEY_FRAME_REQUEST: the first sender that is ready begins the play; where the
 * peer needs a key frame all files go on from the next of that picture. */
void media_player_event(media_player *player, const kith_event *ev);
/* Sends what is due. */
void media_player_tick(media_player *player, kith_time now);
/* When media_player_tick is due; KITH_NEVER. */
kith_time media_player_deadline(const media_player *player);
/* Played to the end, once. */
bool media_player_is_done(const media_player *player);
/* Something could not be read or sent, which was explained. */
bool media_player_failed(const media_player *player);

#endif

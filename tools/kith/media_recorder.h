/* Writes the frames that come of each transceiver into files: DIR/MID-KIND.EXT, and another one,
 * DIR/MID-KIND-2.EXT and so on, when the codec changes or a file of that name is there. */
#ifndef KITH_TOOL_MEDIA_RECORDER_H
#define KITH_TOOL_MEDIA_RECORDER_H

#include "tool.h"

typedef struct media_recorder media_recorder;

/* Tells `line` of a file that begins, {"recording":PATH,…}, and of one that is done,
 * {"recorded":PATH,…}; the callback takes the object over. */
media_recorder *media_recorder_new(const char *folder, void (*line)(void *user, json_t *object),
                                   void *user);
/* Ends all files. NULL is fine. */
void media_recorder_free(media_recorder *recorder);
/* TRACK, FRAME and TRACK_ENDED. */
void media_recorder_event(media_recorder *recorder, const kith_event *ev);
/* Something could not be written, which was explained. */
bool media_recorder_failed(const media_recorder *recorder);

#endif

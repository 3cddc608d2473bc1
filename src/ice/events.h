/* What the owner of the agent gets to know. */
#ifndef KITH_ICE_EVENTS_H
#define KITH_ICE_EVENTS_H

#include "ice/agent.h"

void kith_ice_tell_state(kith_ice *ice, kith_ice_state state);

#endif

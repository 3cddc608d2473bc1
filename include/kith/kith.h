/* All of kith's public API. */
#ifndef KITH_KITH_H
#define KITH_KITH_H

#include "kith/address.h"
#include "kith/base.h"
#include "kith/candidate.h"
#include "kith/certificate.h"
#include "kith/data_channel.h"
#include "kith/endpoint.h"
#include "kith/event.h"
#include "kith/files.h"
#include "kith/json.h"
#include "kith/loop.h"
#include "kith/media.h"
#include "kith/nat.h"
#include "kith/negotiator.h"
#include "kith/pc.h"
#include "kith/stats.h"
#include "kith/transport.h"
#include "kith/turn_server.h"

#endif

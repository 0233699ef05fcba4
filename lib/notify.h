/*
 * notify.h - READY=1 and the like to $NOTIFY_SOCKET, without libsystemd.
 */
#ifndef BERTH_NOTIFY_H
#define BERTH_NOTIFY_H

#include "base.h"

/*
 * Sends state ("READY=1", "STOPPING=1", "STATUS=...") where a supervisor asked
 * for it. Nobody listening is no error: nothing is returned.
 */
void notify_send(const char *state);

#endif

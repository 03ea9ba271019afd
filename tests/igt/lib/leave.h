/* SPDX-License-Identifier: MIT */
#ifndef LEAVE_H
#define LEAVE_H
/*
 * What a test changes of the machine is put back when its process ends, and be it by a signal
 * of the runner's, whose time-out has passed: then no fixture runs.
 */

/* Call this then, in this process alone; what has been asked for once, is not again. */
void leave_with(void (*restore)(void));
#endif

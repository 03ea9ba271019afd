/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef LEAVE_H
#define LEAVE_H
/*
 * What a test changes of the machine is put back when its process ends, and be it by a signal
 * of the runner's, whose time-out has passed: then no fixture runs.
 */

/* Call this then, in this process alone; what has been asked for once, is not again. */
void leave_with(void (*restore)(void));
#endif

/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef LEAVE_H
#define LEAVE_H
/*
 * What a test changes of the machine is put back when its process ends. That may be by a signal of
 * the runner, whose time-out has passed: then no fixture runs.
 */

/* Call this function then, but not in children. To ask twice is to ask once. */
void leave_with(void (*restore)(void));
#endif

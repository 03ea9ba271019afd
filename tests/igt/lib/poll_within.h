/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef POLL_WITHIN_H
#define POLL_WITHIN_H
/* poll() of one file, with a limit that signals do not extend. 1; 0: not within ms; -errno. */
int poll_within(int fd, short events, unsigned int ms);
#endif

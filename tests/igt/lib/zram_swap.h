/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef ZRAM_SWAP_H
#define ZRAM_SWAP_H
/*
 * Swap space of our own, in compressed memory, which the kernel takes before any other. For
 * root.
 */
#include <stdbool.h>

/* Has the kernel swap, and can it make another zram device? */
bool zram_swap_available(void);
/* Make a device, and swap on it. 0 or -errno. */
int zram_swap_begin(unsigned int mib);
/* Bring back all that is in it, and swap on it again. */
int zram_swap_empty(void);
/* No more; the device is gone. Without one, nothing. */
int zram_swap_end(void);
#endif

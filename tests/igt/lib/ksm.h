/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef KSM_H
#define KSM_H
/* Kernel same-page merging, set up so that it scans at once. For root. */
#include <stdbool.h>

bool ksm_available(void);
/* Set it up; what was set before is kept. 0 or -errno. */
int ksm_begin(void);
/* Have it look at all that is mergeable so many times. -ETIME: not within ms. */
int ksm_scan(unsigned int times, unsigned int ms);
/* As it was. */
void ksm_end(void);
#endif

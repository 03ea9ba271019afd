/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef INJECT_H
#define INJECT_H
/*
 * Allocations that fail: the kernel's fault injection, of those that a function of nouveau's makes,
 * or what it calls. All attributes are as they were when the process has ended. For root.
 */
#include <stdbool.h>

/*
 * kind: failslab or fail_page_alloc; functions: the first of these that nouveau has is meant, NULL
 * ends them. Skips if the kernel cannot do that, or nouveau has none of them.
 */
void inject_prepare(const char *kind, const char * const *functions);
/*
 * From now on one of the next nr allocations fails, then none. With 1 that is the first. With more
 * the kernel counts, and fails the one whose number nr divides; it begins to count when it is
 * booted, and never again (should_fail_ex()). So it is the nr-th if the last one that has failed
 * was failed with the same nr.
 */
void inject_one_of(unsigned int nr);
/* No more. Has one failed? */
bool inject_end(void);
#endif

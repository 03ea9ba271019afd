/* SPDX-License-Identifier: GPL-2.0 */
/* Whether HMM calls a page valid that the CPU does not map any more. */
#ifndef STALE_H
#define STALE_H

#include "mn_contract_uapi.h"

/**
 * struct stale - the answers of VALID, 1 or 0
 * @fresh: nothing has happened since SNAPSHOT
 * @adjacent: the page before was unmapped meanwhile
 * @stale: the page itself was
 * @again: SNAPSHOT was called again, on a page that has to be copied
 */
struct stale {
	int fresh;
	int adjacent;
	int stale;
	int again;
};

/* Returns 0, or -1 and complains. */
int stale_run(struct stale *s);

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * What a fault handler has looked up, and what becomes of that when an
 * invalidation starts and ends before the handler asks whether it is valid. One
 * process does all of it in turn, so there is one order of events.
 */
#include <sys/ioctl.h>
#include <unistd.h>

#include "child.h"
#include "stale.h"

static int run(int rig, char *pages, void *result)
{
	char *mirrored = pages + sysconf(_SC_PAGESIZE);
	struct stale *s = result;

	if (child_call(rig, MN_CONTRACT_SNAPSHOT, NULL, "SNAPSHOT"))
		return -1;
	s->fresh = ioctl(rig, MN_CONTRACT_VALID);
	if (child_drop(pages))
		return -1;
	s->adjacent = ioctl(rig, MN_CONTRACT_VALID);
	if (child_drop(mirrored))
		return -1;
	s->stale = ioctl(rig, MN_CONTRACT_VALID);

	/*
	 * The handler comes again. It finds the zero page, breaks COW, which is
	 * an invalidation of its own making, and may have to come once more.
	 */
	(void)*(volatile char *)mirrored;
	s->again = !ioctl(rig, MN_CONTRACT_SNAPSHOT) &&
		   !ioctl(rig, MN_CONTRACT_SNAPSHOT) &&
		   ioctl(rig, MN_CONTRACT_VALID) == 1;
	return 0;
}

int stale_run(struct stale *s)
{
	return in_child(run, s, sizeof(*s));
}

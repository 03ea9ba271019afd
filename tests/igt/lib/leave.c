// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "leave.h"
#include "igt_decl.h"

#include <unistd.h>

enum { MOST = 8 };

static void (*restores[MOST])(void);
static unsigned int nr;
static pid_t owner;

static void leave(int signal)
{
	unsigned int i;

	(void)signal;
	/* Children have inherited it. */
	if (getpid() != owner)
		return;
	for (i = nr; i-- > 0; )
		restores[i]();
}

void leave_with(void (*restore)(void))
{
	unsigned int i;

	if (!owner) {
		owner = getpid();
		igt_install_exit_handler(leave);
	}
	for (i = 0; i < nr; i++)
		if (restores[i] == restore)
			return;
	igt_assert_lt(nr, MOST);
	restores[nr++] = restore;
}

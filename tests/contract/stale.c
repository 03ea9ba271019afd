// SPDX-License-Identifier: GPL-2.0
/*
 * What a fault handler has looked up, and what becomes of that when an
 * invalidation starts and ends before the handler asks whether it is valid. One
 * process does all of it in turn, so there is one order of events.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "stale.h"

/* The pages of the child: a neighbour, and the one that is mirrored. */
static int child_run(int rig, struct stale *s)
{
	size_t size = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mn_contract_attach attach = {
		.start = (uintptr_t)pages + size,
		.length = size,
	};

	if (pages == MAP_FAILED)
		return complain("mmap: %s", strerror(errno));
	memset(pages, 1, 2 * size);
	if (ioctl(rig, MN_CONTRACT_ATTACH, &attach))
		return complain("ATTACH: %s", strerror(errno));
	if (ioctl(rig, MN_CONTRACT_SNAPSHOT))
		return complain("SNAPSHOT: %s", strerror(errno));
	s->fresh = ioctl(rig, MN_CONTRACT_VALID);

	if (madvise(pages, size, MADV_DONTNEED))
		return complain("madvise: %s", strerror(errno));
	s->adjacent = ioctl(rig, MN_CONTRACT_VALID);

	if (madvise(pages + size, size, MADV_DONTNEED))
		return complain("madvise: %s", strerror(errno));
	s->stale = ioctl(rig, MN_CONTRACT_VALID);

	/* The handler comes again, and gets the page that is there then. */
	if (ioctl(rig, MN_CONTRACT_SNAPSHOT))
		return complain("SNAPSHOT: %s", strerror(errno));
	s->again = ioctl(rig, MN_CONTRACT_VALID);
	return 0;
}

int stale_run(struct stale *s)
{
	int rig, status, result[2];
	ssize_t len;
	pid_t pid;

	rig = open(MN_CONTRACT_DEVICE, O_RDWR | O_CLOEXEC);
	if (rig < 0 || pipe2(result, O_CLOEXEC))
		return complain(MN_CONTRACT_DEVICE ": %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return complain("fork: %s", strerror(errno));
	if (!pid) {
		if (child_run(rig, s) ||
		    write(result[1], s, sizeof(*s)) != sizeof(*s))
			_exit(1);
		_exit(0);
	}
	close(result[1]);
	/* Ends when the child has answered, or exited. */
	len = read(result[0], s, sizeof(*s));
	close(result[0]);
	/* First, the child's mm is pinned until then. */
	close(rig);
	if (waitpid(pid, &status, 0) != pid || status)
		return complain("the child failed, status %#x", status);
	return len == sizeof(*s) ? 0 : complain("the child said nothing");
}

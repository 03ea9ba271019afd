// SPDX-License-Identifier: GPL-2.0
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

#include "child.h"
#include "host.h"
#include "mn_contract_uapi.h"

static char *attach(int rig)
{
	size_t size = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mn_contract_attach args = {
		.start = (uintptr_t)pages + size,
		.length = size,
	};

	if (pages == MAP_FAILED) {
		complain("mmap: %s", strerror(errno));
		return NULL;
	}
	memset(pages, 1, 2 * size);
	if (ioctl(rig, MN_CONTRACT_ATTACH, &args)) {
		complain("ATTACH: %s", strerror(errno));
		return NULL;
	}
	return pages;
}

int child_drop(char *page)
{
	if (madvise(page, sysconf(_SC_PAGESIZE), MADV_DONTNEED))
		return complain("madvise: %s", strerror(errno));
	return 0;
}

int child_call(int rig, unsigned long call, void *arg, const char *name)
{
	if (ioctl(rig, call, arg))
		return complain("%s: %s", name, strerror(errno));
	return 0;
}

int in_child(int (*run)(int rig, char *pages, void *result), void *result,
	     size_t size)
{
	int rig, status, answer[2];
	char *pages;
	ssize_t len;
	pid_t pid;

	rig = open(MN_CONTRACT_DEVICE, O_RDWR | O_CLOEXEC);
	if (rig < 0 || pipe2(answer, O_CLOEXEC))
		return complain(MN_CONTRACT_DEVICE ": %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return complain("fork: %s", strerror(errno));
	if (!pid) {
		pages = attach(rig);
		_exit(!pages || run(rig, pages, result) ||
		      write(answer[1], result, size) != (ssize_t)size);
	}
	close(answer[1]);
	/* Ends when the child has answered, or exited. */
	len = read(answer[0], result, size);
	close(answer[0]);
	/* First, the child's mm is pinned until then. */
	close(rig);
	if (waitpid(pid, &status, 0) != pid || status)
		return complain("the child failed, status %#x", status);
	return len == (ssize_t)size ? 0 : complain("the child said nothing");
}

// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "victim.h"

#ifndef SYS_process_mrelease
#define SYS_process_mrelease	448
#endif

/* How long what takes milliseconds on an idle machine may take. */
#define PATIENCE_MS	120000

/*
 * The child. Once it is attached it must not cause a blockable invalidation,
 * which would sleep while the lock is held: it maps, unmaps and copies nothing
 * any more, it only writes to its stack and for the first time to its chunks.
 */

/* Chunks with gaps between them, so that they are not merged to one mapping. */
static char *map_chunks(int chunks, size_t stride)
{
	char *base;
	int i;

	base = mmap(NULL, chunks * stride, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return NULL;
	for (i = 0; i < chunks; i++)
		if (mprotect(base + i * stride, CHUNK, PROT_READ | PROT_WRITE))
			return NULL;
	return base;
}

static void touch_chunks(char *base, int chunks, size_t stride)
{
	int i;

	for (i = 0; i < chunks; i++)
		memset(base + i * stride, 1, CHUNK);
}

static void child(const struct victim *v, const struct appetite *a, int go)
{
	size_t stride = CHUNK + sysconf(_SC_PAGESIZE);
	struct mn_contract_attach attach;
	char byte = 0;
	char *base;

	/* No mapping of 2 MiB: khugepaged and splits invalidate, too. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (cgroup_join(&v->cg))
		return;
	base = map_chunks(a->chunks, stride);
	if (!base) {
		complain("victim: mmap: %s", strerror(errno));
		return;
	}
	attach.start = (uintptr_t)base;
	attach.length = CHUNK;
	if (ioctl(v->rig, MN_CONTRACT_ATTACH, &attach)) {
		complain("victim: ATTACH: %s", strerror(errno));
		return;
	}
	if (a->greedy && read(go, &byte, 1) != 1)
		return;
	touch_chunks(base, a->chunks, stride);
	if (a->greedy)
		complain("victim: the OOM killer did not come");
	else if (ioctl(v->rig, MN_CONTRACT_LINGER))
		complain("victim: LINGER: %s", strerror(errno));
}

static bool attached(const struct mn_contract_status *status)
{
	return status->flags & MN_CONTRACT_ATTACHED;
}

static bool lingering(const struct mn_contract_status *status)
{
	return status->flags & MN_CONTRACT_LINGERING;
}

static int victim_fork(struct victim *v, const struct appetite *a)
{
	int go[2];

	if (pipe2(go, O_CLOEXEC))
		return complain("pipe: %s", strerror(errno));

	fflush(NULL);
	v->pid = fork();
	if (!v->pid) {
		close(go[1]);
		child(v, a, go[0]);
		_exit(1);
	}
	close(go[0]);
	v->go = go[1];
	if (v->pid < 0) {
		v->pid = 0;
		return complain("fork: %s", strerror(errno));
	}
	v->pidfd = syscall(SYS_pidfd_open, v->pid, 0);
	if (v->pidfd < 0)
		return complain("pidfd_open: %s", strerror(errno));
	return 0;
}

int victim_start(struct victim *v, const char *name, const struct appetite *a)
{
	memset(v, 0, sizeof(*v));
	v->pidfd = -1;
	v->go = -1;
	v->rig = open(MN_CONTRACT_DEVICE, O_RDWR | O_CLOEXEC);
	if (v->rig < 0)
		return complain(MN_CONTRACT_DEVICE ": %s", strerror(errno));
	if (cgroup_make(&v->cg, name, a->max) || victim_fork(v, a))
		return -1;
	if (victim_wait(v, a->greedy ? attached : lingering,
			in_ms(PATIENCE_MS)))
		return complain("waited %d s for the victim to %s",
				PATIENCE_MS / 1000,
				a->greedy ? "attach" : "linger");
	return 0;
}

int victim_go(struct victim *v)
{
	if (write(v->go, "", 1) != 1)
		return complain("cannot tell the victim to go: %s",
				strerror(errno));
	return 0;
}

int victim_status(struct victim *v)
{
	if (ioctl(v->rig, MN_CONTRACT_STATUS, &v->status))
		return complain("STATUS: %s", strerror(errno));
	return 0;
}

int victim_wait(struct victim *v,
		bool (*ready)(const struct mn_contract_status *status),
		long long deadline)
{
	struct pollfd pfd = { .fd = v->rig, .events = POLLIN };

	for (;;) {
		/* First, as it is what rearms the poll. */
		if (victim_status(v))
			return -1;
		if (ready(&v->status))
			return 0;
		if (!ms_until(deadline))
			return 1;
		poll(&pfd, 1, ms_until(deadline));
	}
}

int victim_call(struct victim *v, unsigned long call, const char *name)
{
	if (ioctl(v->rig, call))
		return complain("%s: %s", name, strerror(errno));
	return 0;
}

int victim_refuse(struct victim *v, enum mn_contract_who who, int error)
{
	struct mn_contract_refuse refuse = { .who = who, .error = error };

	if (ioctl(v->rig, MN_CONTRACT_REFUSE, &refuse))
		return complain("REFUSE: %s", strerror(errno));
	return 0;
}

bool victim_mrelease_exists(void)
{
	return syscall(SYS_process_mrelease, -1, 0) && errno != ENOSYS;
}

int victim_mrelease(struct victim *v)
{
	return syscall(SYS_process_mrelease, v->pidfd, 0) ? errno : 0;
}

int victim_kill(struct victim *v)
{
	if (kill(v->pid, SIGKILL))
		return complain("kill: %s", strerror(errno));
	return 0;
}

static void victim_reap(struct victim *v)
{
	struct pollfd pfd = { .fd = v->pidfd, .events = POLLIN };

	kill(v->pid, SIGKILL);
	if (v->pidfd >= 0 && poll(&pfd, 1, PATIENCE_MS) != 1) {
		complain("waited %d s for the victim %d to exit, left behind",
			 PATIENCE_MS / 1000, v->pid);
		return;
	}
	waitpid(v->pid, NULL, 0);
	v->pid = 0;
}

void victim_end(struct victim *v)
{
	/* First, it lets a lingering victim go. */
	if (v->rig >= 0)
		close(v->rig);
	if (v->pid)
		victim_reap(v);
	if (v->pidfd >= 0)
		close(v->pidfd);
	if (v->go >= 0)
		close(v->go);
	if (!v->pid)
		cgroup_remove(&v->cg);
}

// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "child.h"
#include "igt_decl.h"
#include "svm_wait.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static pid_t children[32];

enum { CHILDREN = sizeof(children) / sizeof(*children) };

/*
 * As fork(), but without a signal to the parent when the child ends. Such a child is seen by those
 * waits only that have __WALL, and IGT's have not. The C library knows nothing of it.
 */
static pid_t clone_process(void)
{
	return syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
}

static pid_t start(pid_t (*make)(void))
{
	const pid_t parent = getpid();
	unsigned int i;
	pid_t pid;

	for (i = 0; i < CHILDREN && children[i]; i++)
		;
	if (i == CHILDREN)
		return -EAGAIN;
	fflush(NULL);
	pid = make();
	if (pid < 0)
		return -errno;
	if (pid) {
		children[i] = pid;
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	return 0;
}

pid_t child_start(void)
{
	return start(clone_process);
}

void child_exit(int status)
{
	fflush(NULL);
	_exit(status);
}

static void forget(pid_t pid)
{
	unsigned int i;

	for (i = 0; i < CHILDREN; i++)
		if (children[i] == pid)
			children[i] = 0;
}

int child_wait(pid_t pid, int *status, unsigned int ms, const char *what)
{
	const int ret = svm_wait_child(pid, status, ms, what);

	if (!ret)
		forget(pid);
	return ret;
}

bool child_has_ended(pid_t pid)
{
	siginfo_t info = {};

	return !waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) && info.si_pid;
}

void child_run(unsigned int nr, void (*work)(unsigned int nr, void *data), void *data,
	       unsigned int ms, const char *what)
{
	/* For those that are killed because another has failed. */
	enum { KILLED_MS = 1000 };
	int status = 0, ret = 0, failed = 0;
	unsigned int started, i;
	pid_t pid[CHILDREN];

	igt_assert_lte(nr, CHILDREN);
	for (started = 0; started < nr; started++) {
		pid[started] = start(fork);
		if (!pid[started]) {
			work(started, data);
			child_exit(0);
		}
		if (pid[started] < 0) {
			failed = pid[started];
			break;
		}
	}
	for (i = 0; i < started && !failed; i++) {
		ret = child_wait(pid[i], &status, ms, what);
		if (ret || status)
			break;
	}
	/* IGT sees these, and aborts if one is left. */
	if (failed || i < started)
		child_kill_all(KILLED_MS);
	igt_assert_f(!failed, "fork: %s\n", strerror(-failed));
	igt_assert_f(!ret, "child %u: %s: %s\n", i, what, strerror(-ret));
	igt_assert_f(!status, "child %u has failed, status %#x: see what it says\n", i, status);
}

void child_kill_all(unsigned int ms)
{
	unsigned int i;
	int status;

	for (i = 0; i < CHILDREN; i++)
		if (children[i])
			kill(children[i], SIGKILL);
	for (i = 0; i < CHILDREN; i++) {
		if (!children[i])
			continue;
		child_wait(children[i], &status, ms, "a child that was killed ends");
		/* If it does not end, that has been reported. */
		children[i] = 0;
	}
}

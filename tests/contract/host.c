// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

#define NS_PER_MS	1000000LL

long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 * NS_PER_MS + ts.tv_nsec;
}

long long in_ms(long long ms)
{
	return now_ns() + ms * NS_PER_MS;
}

int ms_until(long long deadline)
{
	long long left = deadline - now_ns();

	/* Rounded up, so as not to spin in the last millisecond. */
	return left > 0 ? (left + NS_PER_MS - 1) / NS_PER_MS : 0;
}

int complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("mn-contract: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return -1;
}

int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return complain("/dev/kmsg: %s", strerror(errno));
	lseek(fd, 0, SEEK_END);
	return fd;
}

int kmsg_wait(int fd, const char *const *texts, int n, long long deadline)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char record[8192];

	for (;;) {
		/* One record for each read; EPIPE: some were overwritten. */
		ssize_t len = read(fd, record, sizeof(record) - 1);
		int i;

		if (len < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (len < 0) {
			if (errno != EAGAIN || !ms_until(deadline))
				return -1;
			poll(&pfd, 1, ms_until(deadline));
			continue;
		}
		record[len] = '\0';
		for (i = 0; i < n; i++)
			if (strstr(record, texts[i]))
				return i;
		if (!ms_until(deadline))
			return -1;
	}
}

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	ssize_t len;
	int fd, err;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = write(fd, text, strlen(text));
	err = len < 0 ? -errno : 0;
	close(fd);
	return err;
}

static int read_file(const char *dir, const char *name, char *text, int size)
{
	char path[256];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, text, size - 1);
	close(fd);
	if (len < 0)
		return -EIO;
	text[len] = '\0';
	return 0;
}

int cgroup_usable(void)
{
	char text[1024];
	int err;

	err = read_file(CGROUP_ROOT, "cgroup.controllers", text, sizeof(text));
	if (err)
		return complain("no cgroup2 at " CGROUP_ROOT ": %s",
				strerror(-err));
	if (!strstr(text, "memory"))
		return complain(CGROUP_ROOT " has no memory controller");
	err = write_file(CGROUP_ROOT, "cgroup.subtree_control", "+memory");
	if (err)
		return complain("cannot enable the memory controller: %s",
				strerror(-err));
	return 0;
}

int cgroup_make(struct cgroup *cg, const char *name, const char *max)
{
	char path[sizeof(cg->path)];
	int err;

	cg->path[0] = '\0';
	snprintf(path, sizeof(path), CGROUP_ROOT "/mn-contract.%d.%s",
		 getpid(), name);
	if (mkdir(path, 0755))
		return complain("%s: %s", path, strerror(errno));
	memcpy(cg->path, path, sizeof(path));
	err = write_file(path, "memory.max", max);
	if (err)
		return complain("%s/memory.max: %s", path, strerror(-err));
	/* Without CONFIG_SWAP there is no such file. */
	err = write_file(path, "memory.swap.max", "0");
	if (err && err != -ENOENT)
		return complain("%s/memory.swap.max: %s", path, strerror(-err));
	return 0;
}

int cgroup_join(const struct cgroup *cg)
{
	int err = write_file(cg->path, "cgroup.procs", "0");

	return err ? complain("%s: %s", cg->path, strerror(-err)) : 0;
}

long long cgroup_memory(const struct cgroup *cg)
{
	char text[64];

	if (read_file(cg->path, "memory.current", text, sizeof(text)))
		return -1;
	return strtoll(text, NULL, 10);
}

void cgroup_remove(struct cgroup *cg)
{
	if (cg->path[0] && rmdir(cg->path))
		complain("%s: %s", cg->path, strerror(errno));
	cg->path[0] = '\0';
}

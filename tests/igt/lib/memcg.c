// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* Names and formats: Documentation/admin-guide/cgroup-v2.rst of the kernel. */
#include "memcg.h"
#include "child.h"
#include "leave.h"
#include "poll_within.h"
#include "write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"

/* For those that are left when the test ends. */
enum { LEAVE_MS = 1000 };

static int put(const char *dir, const char *file, const char *text)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return write_text(path, text);
}

/* The text of a file that is polled. */
static int get(int fd, char *text, size_t size)
{
	const ssize_t n = pread(fd, text, size - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = 0;
	return 0;
}

bool memcg_available(void)
{
	char text[256];

	return !read_text(ROOT "/cgroup.controllers", text, sizeof(text)) &&
	       strstr(text, "memory");
}

bool memcg_can_reclaim(void)
{
	return !access(ROOT "/memory.reclaim", W_OK);
}

/* Those that are there: no more at a time than there are victims. */
static struct memcg made[4];

enum { MADE = sizeof(made) / sizeof(*made) };

static struct memcg *find(const char *path)
{
	unsigned int i;

	for (i = 0; i < MADE; i++)
		if (!strcmp(made[i].path, path))
			return &made[i];
	return NULL;
}

static int remove_now(const struct memcg *cg)
{
	struct memcg *place = find(cg->path);

	if (rmdir(cg->path))
		return -errno;
	if (place)
		*place->path = 0;
	return 0;
}

/* Children of the test are in them. */
static void leave_none(void)
{
	unsigned int i;

	for (i = 0; i < MADE && !*made[i].path; i++)
		;
	if (i == MADE)
		return;
	child_kill_all(LEAVE_MS);
	memcg_remove_all(LEAVE_MS);
}

int memcg_create(struct memcg *cg, const char *name, unsigned int max_mib)
{
	char text[32];
	struct memcg *place;
	int ret = put(ROOT, "cgroup.subtree_control", "+memory");

	if (ret)
		return ret;
	place = find("");
	if (!place)
		return -ENOSPC;
	leave_with(leave_none);
	snprintf(cg->path, sizeof(cg->path), ROOT "/%s-%d", name, getpid());
	if (mkdir(cg->path, 0755))
		return -errno;
	*place = *cg;
	if (!max_mib)
		return 0;
	snprintf(text, sizeof(text), "%uM", max_mib);
	ret = put(cg->path, "memory.max", text);
	if (!ret) {
		ret = put(cg->path, "memory.swap.max", "0");
		/* A kernel that cannot swap has no such file. */
		if (ret == -ENOENT)
			ret = 0;
	}
	if (ret)
		remove_now(cg);
	return ret;
}

int memcg_join(const struct memcg *cg)
{
	return put(cg ? cg->path : ROOT, "cgroup.procs", "0");
}

int64_t memcg_current(const struct memcg *cg)
{
	char path[192], text[32];
	int ret;

	snprintf(path, sizeof(path), "%s/memory.current", cg->path);
	ret = read_text(path, text, sizeof(text));
	return ret ? ret : strtoll(text, NULL, 10);
}

int64_t memcg_stat(const struct memcg *cg, const char *name)
{
	const size_t n = strlen(name);
	char path[192], line[128];
	int64_t value = -ENOENT;
	FILE *file;

	snprintf(path, sizeof(path), "%s/memory.stat", cg->path);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, n) && line[n] == ' ')
			value = strtoll(line + n, NULL, 10);
	fclose(file);
	return value;
}

int memcg_reclaim(const struct memcg *cg, uint64_t bytes)
{
	char text[32];
	int ret;

	snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
	ret = put(cg->path, "memory.reclaim", text);
	/* Less than that. */
	return ret == -EAGAIN ? 0 : ret;
}

int memcg_remove(const struct memcg *cg, unsigned int ms)
{
	char path[192], text[64];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/cgroup.events", cg->path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Whoever has ended is in it until its last thread has been scheduled away. */
	for (;;) {
		ret = get(fd, text, sizeof(text));
		if (ret || strstr(text, "populated 0"))
			break;
		ret = poll_within(fd, POLLPRI, ms);
		if (ret <= 0) {
			ret = ret ? ret : -EBUSY;
			break;
		}
	}
	close(fd);
	return ret ? ret : remove_now(cg);
}

void memcg_remove_all(unsigned int ms)
{
	unsigned int i;

	for (i = 0; i < MADE; i++) {
		const struct memcg cg = made[i];

		/* Only one try: a process that is stuck in it has been reported. */
		if (*cg.path && memcg_remove(&cg, ms))
			*made[i].path = 0;
	}
}

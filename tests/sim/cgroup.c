// SPDX-License-Identifier: MIT
#include "cgroup.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define ROOT "/sys/fs/cgroup"

static void path_of(char *path, size_t size, const char *name, const char *file)
{
	snprintf(path, size, ROOT "/%s%s%s", name, *name ? "/" : "", file);
}

static void put(const char *name, const char *file, const char *text)
{
	char path[128];
	int fd;

	path_of(path, sizeof(path), name, file);
	fd = open(path, O_WRONLY);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s to %s: %s",
	      text, path, strerror(errno));
	close(fd);
}

void cgroup_make(const char *name, unsigned int max_mib)
{
	char path[128], text[32];

	put("", "cgroup.subtree_control", "+memory");
	path_of(path, sizeof(path), name, "");
	CHECK(!mkdir(path, 0755) || errno == EEXIST, "%s: %s", path, strerror(errno));
	snprintf(text, sizeof(text), "%uM", max_mib);
	put(name, "memory.max", max_mib ? text : "max");
}

void cgroup_join(const char *name)
{
	put(name, "cgroup.procs", "0");
}

uint64_t cgroup_current(const char *name)
{
	char path[128], text[32] = "";
	int fd;

	path_of(path, sizeof(path), name, "memory.current");
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0, "%s: %s", path, strerror(errno));
	close(fd);
	return strtoull(text, NULL, 10);
}

void cgroup_remove(const char *name)
{
	const uint64_t end = now_ms() + patience_ms();
	char path[128];

	path_of(path, sizeof(path), name, "");
	/* Who was in it may be a zombie for a moment. */
	while (rmdir(path) && errno == EBUSY && now_ms() < end)
		usleep(10000);
	CHECK(access(path, F_OK), "%s is still in use", path);
}

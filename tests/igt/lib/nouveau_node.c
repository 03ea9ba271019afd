// SPDX-License-Identifier: MIT
#include "nouveau_node.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <xf86drm.h>

/* Of render nodes: Documentation/admin-guide/devices.txt. */
enum { FIRST_MINOR = 128, LAST_MINOR = 191 };

static int find_from(int nr, char *path, size_t size)
{
	int ret = -ENODEV;

	for (; nr <= LAST_MINOR; nr++) {
		drmVersionPtr version;
		int fd, is;

		snprintf(path, size, DRM_RENDER_DEV_NAME, DRM_DIR_NAME, nr);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0) {
			if (errno != ENOENT && ret == -ENODEV)
				ret = -errno;
			continue;
		}
		version = drmGetVersion(fd);
		is = version && !strcmp(version->name, "nouveau");
		drmFreeVersion(version);
		close(fd);
		if (is)
			return 0;
	}
	return ret;
}

int nouveau_node_find(char *path, size_t size)
{
	return find_from(FIRST_MINOR, path, size);
}

int nouveau_node_next(const char *after, char *path, size_t size)
{
	struct stat st;

	if (stat(after, &st))
		return -errno;
	return find_from(minor(st.st_rdev) + 1, path, size);
}

int nouveau_node_device(int fd, char *device, size_t size)
{
	char path[64], target[PATH_MAX];
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device", major(st.st_rdev),
		 minor(st.st_rdev));
	if (!realpath(path, target))
		return -errno;
	if (strlen(target) >= size)
		return -ENAMETOOLONG;
	strcpy(device, target);
	return 0;
}

int nouveau_node_stat(const char *device, const char *counter, uint64_t *value)
{
	const size_t n = strlen(counter);
	char path[PATH_MAX], line[128];
	int ret = -ENOENT;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/stats", device);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (ret && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, counter, n) && line[n] == ' ') {
			*value = strtoull(line + n, NULL, 10);
			ret = 0;
		}
	}
	fclose(file);
	return ret;
}

// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "nouveau_node.h"
#include "igt_decl.h"

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

#ifndef IGT_STANDALONE
/* In a tree of IGT: those that --device names, or all that there are. */

enum { MOST = 16 };

/* Of a tree without lib-drmtest-add-DRIVER_NOUVEAU.patch: any, and the name is looked at. */
#ifndef DRIVER_NOUVEAU
#define DRIVER_NOUVEAU DRIVER_ANY
#endif

/* The nth of nouveau's. What has been opened stays open until it is found: IGT compares. */
static int find_nth(unsigned int nth, char *path, size_t size)
{
	int fd[MOST], nr = 0, ret = -ENODEV;
	char *name = NULL;

	while (nr < MOST && !name) {
		fd[nr] = __drm_open_driver_another(nr, DRIVER_NOUVEAU);
		if (fd[nr] < 0)
			break;
		if (is_nouveau_device(fd[nr]) && !nth--)
			name = drmGetRenderDeviceNameFromFd(fd[nr]);
		nr++;
	}
	if (name && strlen(name) < size) {
		strcpy(path, name);
		ret = 0;
	}
	free(name);
	while (nr--)
		close(fd[nr]);
	return ret;
}

int nouveau_node_find(char *path, size_t size)
{
	return find_nth(0, path, size);
}

int nouveau_node_next(const char *after, char *path, size_t size)
{
	unsigned int nth = 0;
	char here[64];
	int ret;

	while (!(ret = find_nth(nth++, here, sizeof(here))) && strcmp(here, after))
		;
	return ret ? ret : find_nth(nth, path, size);
}
#else
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
#endif

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

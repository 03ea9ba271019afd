// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "runtime_pm.h"
#include "clock.h"
#include "igt_decl.h"
#include "leave.h"
#include "nouveau_node.h"
#include "svm_gpu.h"
#include "svm_wait.h"
#include "write_file.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Files of its folder in sysfs: Documentation/ABI/testing/sysfs-devices-power. */
#define CONTROL "control"
#define DELAY "autosuspend_delay_ms"
#define STATUS "runtime_status"

/* sysfs has no event for its status. In microseconds. */
enum { LOOK_AGAIN = 20000 };

static char folder[PATH_MAX], control_before[16], delay_before[16];

static const char *file(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.4000s/power/%s", folder, name);
	return path;
}

static void put_back(void)
{
	write_text(file(DELAY), delay_before);
	write_text(file(CONTROL), control_before);
}

void require_runtime_pm(struct svm_gpu *gpu)
{
	const int fd = svm_gpu_fd(gpu);
	int ret;

	igt_require_f(fd >= 0, "the back end does not say which device it has\n");
	ret = nouveau_node_device(fd, folder, sizeof(folder));
	igt_assert_f(!ret, "the device's folder in sysfs: %s\n", strerror(-ret));
	/* A driver that does not suspend its device has set no delay. */
	igt_require_f(!read_text(file(CONTROL), control_before, sizeof(control_before)) &&
		      !read_text(file(DELAY), delay_before, sizeof(delay_before)),
		      "the device is not suspended at runtime: nouveau.runpm=1\n");
	igt_require_f(!access(file(CONTROL), W_OK), "power management is root's to set\n");
	leave_with(put_back);
}

static bool asleep(void)
{
	char status[16];
	const int ret = read_text(file(STATUS), status, sizeof(status));

	igt_assert_f(!ret, STATUS ": %s\n", strerror(-ret));
	igt_assert_f(strcmp(status, "error"), "the driver could not suspend the device\n");
	return !strcmp(status, "suspended");
}

void runtime_pm_sleep(void)
{
	const int64_t end = now_ms() + SVM_WAIT_MS;
	int ret;

	ret = write_text(file(DELAY), "0");
	igt_assert_f(!ret, DELAY ": %s\n", strerror(-ret));
	ret = write_text(file(CONTROL), "auto");
	igt_assert_f(!ret, CONTROL ": %s\n", strerror(-ret));
	while (!asleep()) {
		igt_assert_f(now_ms() < end, "the device is not suspended within %d ms\n",
			     SVM_WAIT_MS);
		usleep(LOOK_AGAIN);
	}
	/* Once it has been woken it does not sleep again between any two calls of its driver. */
	ret = write_text(file(DELAY), delay_before);
	igt_assert_f(!ret, DELAY ": %s\n", strerror(-ret));
}

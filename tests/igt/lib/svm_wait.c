// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "svm_wait.h"
#include "igt_decl.h"
#include "poll_within.h"
#include "svm_gpu.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct task {
	char name[64], state;
	pid_t parent;
};

/* All kernel threads are children of kthreadd. */
enum { KTHREADD = 2 };

/* The format of /proc/PID/stat: the name is in parentheses and may have any in it. */
static bool task_of(const char *dir, struct task *task)
{
	char path[300], line[512];
	char *begin, *end;
	FILE *file;

	snprintf(path, sizeof(path), "%s/stat", dir);
	file = fopen(path, "re");
	if (!file)
		return false;
	begin = fgets(line, sizeof(line), file) ? strchr(line, '(') : NULL;
	fclose(file);
	end = begin ? strrchr(begin, ')') : NULL;
	if (!end || sscanf(end + 1, " %c %d", &task->state, &task->parent) != 2)
		return false;
	*end = 0;
	snprintf(task->name, sizeof(task->name), "%s", begin + 1);
	return true;
}

static void print_stack(const char *dir, const struct task *task)
{
	char path[300], line[256];
	FILE *file;

	igt_info("  %s (%s), state %c:\n", dir, task->name, task->state);
	snprintf(path, sizeof(path), "%s/stack", dir);
	file = fopen(path, "re");
	if (!file) {
		igt_info("    %s: %s\n", path, strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), file))
		igt_info("    %s", line);
	fclose(file);
}

void svm_report_process(pid_t pid)
{
	char tasks[64], dir[320];
	struct task task;
	struct dirent *entry;
	DIR *list;

	snprintf(tasks, sizeof(tasks), "/proc/%d/task", pid);
	list = opendir(tasks);
	if (!list) {
		igt_info("  %s: %s\n", tasks, strerror(errno));
		return;
	}
	while ((entry = readdir(list))) {
		snprintf(dir, sizeof(dir), "%s/%s", tasks, entry->d_name);
		if (entry->d_name[0] != '.' && task_of(dir, &task))
			print_stack(dir, &task);
	}
	closedir(list);
}

void svm_report_workers(void)
{
	struct task task;
	char dir[300];
	struct dirent *entry;
	DIR *list = opendir("/proc");

	while (list && (entry = readdir(list))) {
		snprintf(dir, sizeof(dir), "/proc/%s", entry->d_name);
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9' ||
		    !task_of(dir, &task))
			continue;
		if (task.state == 'D' || (task.parent == KTHREADD && strstr(task.name, "nouveau")))
			print_stack(dir, &task);
	}
	if (list)
		closedir(list);
}

static int too_late(const char *what, unsigned int ms, pid_t pid)
{
	igt_info("Not within %u ms: %s\n", ms, what);
	if (pid)
		svm_report_process(pid);
	svm_report_workers();
	return -ETIME;
}

int svm_wait_queue(struct svm_queue *queue, unsigned int ms, const char *what)
{
	const int ret = svm_queue_wait(queue, ms);

	return ret == -ETIME ? too_late(what, ms, 0) : ret;
}

int svm_wait_readable(int fd, unsigned int ms, const char *what)
{
	const int ret = poll_within(fd, POLLIN, ms);

	return ret ? ret < 0 ? ret : 0 : too_late(what, ms, 0);
}

int svm_wait_child(pid_t pid, int *status, unsigned int ms, const char *what)
{
	const int fd = syscall(SYS_pidfd_open, pid, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = poll_within(fd, POLLIN, ms);
	close(fd);
	if (ret < 0)
		return ret;
	if (!ret)
		return too_late(what, ms, pid);
	/* With __WALL: a child of child_start() has no exit signal. */
	return waitpid(pid, status, __WALL) == pid ? 0 : -errno;
}

// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "svm_probe.h"
#include "child.h"
#include "nouveau_node.h"
#include "svm_gpu.h"
#include "svm_wait.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

struct answer {
	int ret;
	struct svm_probe probe;
};

/* A page fault for reading, and one for writing. */
static int try_fault(struct svm_queue *queue, unsigned int ms)
{
	uint8_t *buf = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	int ret;

	if (buf == MAP_FAILED)
		return -errno;
	buf[0] = 1;
	ret = svm_copy(queue, buf + PAGE, buf, PAGE);
	if (!ret)
		ret = svm_queue_wait(queue, ms);
	return ret ? ret : buf[PAGE] == 1 ? 0 : -EILSEQ;
}

static void try_client(struct answer *a, unsigned int ms)
{
	const char *why = "a new client cannot be opened";
	struct svm_queue *queue;
	struct svm_gpu *gpu;

	a->ret = svm_gpu_open(&gpu, &why);
	if (a->ret) {
		snprintf(a->probe.why, sizeof(a->probe.why), "%s", why);
		return;
	}
	snprintf(a->probe.backend, sizeof(a->probe.backend), "%s", svm_gpu_backend(gpu));
	a->probe.migrates = svm_gpu_has(gpu, SVM_MIGRATE);
	a->probe.has_oracle = svm_gpu_has(gpu, SVM_ORACLE);
	if (nouveau_node_device(svm_gpu_fd(gpu), a->probe.device, sizeof(a->probe.device)))
		*a->probe.device = 0;
	why = "a new client gets no queue";
	a->ret = svm_queue_open(gpu, &queue);
	if (!a->ret) {
		why = "a new client's page faults are not served";
		a->ret = try_fault(queue, ms);
	}
	if (a->probe.has_oracle)
		a->probe.stale = svm_gpu_stale(gpu);
	snprintf(a->probe.why, sizeof(a->probe.why), "%s", a->ret ? why : "");
	/* The end of the process closes the rest. */
}

int svm_probe(struct svm_probe *probe, unsigned int ms)
{
	static const char what[] = "a new client opens the device and gets a page fault served";
	struct answer answer = {};
	int answers[2], status, ret;
	pid_t pid;

	*probe = (struct svm_probe) { .why = "a new client does not come back" };
	if (pipe(answers))
		return -errno;
	pid = child_start();
	if (!pid) {
		/* Its own limit is the lower one, so that it says what is wrong. */
		try_client(&answer, ms * 3 / 4);
		if (answer.ret == -ETIME)
			svm_report_workers();
		child_exit(write(answers[1], &answer, sizeof(answer)) != sizeof(answer));
	}
	close(answers[1]);
	ret = pid < 0 ? pid : svm_wait_readable(answers[0], ms, what);
	if (!ret && read(answers[0], &answer, sizeof(answer)) != sizeof(answer))
		ret = -EPIPE;
	close(answers[0]);
	if (!ret) {
		*probe = answer.probe;
		ret = answer.ret;
	}
	if (pid < 0)
		return ret;
	if (ret) {
		/* It may be stuck, too, and that need not be waited for. */
		kill(pid, SIGKILL);
		child_wait(pid, &status, 500, "a client's end");
		return ret;
	}
	ret = child_wait(pid, &status, ms, "a client's end");
	if (ret)
		snprintf(probe->why, sizeof(probe->why), "a new client's end does not come");
	return ret;
}

// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/*
 * The back end over OpenCL, for devices with fine-grain system SVM: their kernels reach the
 * process's memory by its own addresses. All accesses are kernels', as a copy that the
 * library offers may be done by the CPU.
 *
 * nouveau's ioctls need nothing of OpenCL, and SVM_BIND is about a process's memory whichever
 * client asks: a client of nouveau's beside OpenCL's does them, on a device of nouveau's.
 *
 * OpenCL does not survive a fork: its threads are not in the child, and nouveau's file would
 * go on reaching the parent's memory. So it is begun with the first queue only, by the process
 * that opens that; svm_gpu_open() asks a child of its own whether it can be.
 */
/* Without OpenCL's headers (Debian: opencl-headers) there is no such back end. */
#if __has_include(<CL/cl.h>)
#include "child.h"
#include "gpu.h"
#include "nouveau_node.h"
#include "opencl_device.h"
#include "poll_within.h"
#include "svm_backend.h"

#include <errno.h>
#include <nouveau/nouveau.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	GROUP = 64,		/* work items in a group */
	WORD = 4,		/* bytes that one of a copy moves */
	PROBE_MS = 30000,	/* a compiler is loaded, and run */
	CLOSE_MS = 10000,
};

static const char source[] =
	/* Words in one piece where that is possible: who looks at one meanwhile sees all of it. */
	"kernel void copy(global uchar *dst, global const uchar *src, ulong n)\n"
	"{\n"
	"	ulong i = get_global_id(0) * 4, end = min(i + 4, n);\n"
	"	if (i + 4 <= n && !(((ulong)dst | (ulong)src) & 3))\n"
	"		*(global uint *)(dst + i) = *(global const uint *)(src + i);\n"
	"	else\n"
	"		for (; i < end; i++)\n"
	"			dst[i] = src[i];\n"
	"}\n"
	"kernel void fill(global uint *dst, uint value, ulong n)\n"
	"{\n"
	"	if (get_global_id(0) < n)\n"
	"		dst[get_global_id(0)] = value;\n"
	"}\n"
	"kernel void add(volatile global uint *word, uint value)\n"
	"{\n"
	"	if (get_global_id(0) == 0)\n"
	"		atomic_add(word, value);\n"
	"}\n"
	"kernel void mark(global uint *seen, uint value)\n"
	"{\n"
	"	if (get_global_id(0) == 0)\n"
	"		*seen = value;\n"
	"}\n";

struct opencl_gpu {
	struct svm_gpu base;
	pthread_mutex_t lock;	/* of all below */
	cl_device_id device;
	cl_context context;
	cl_program program;
	struct gpu nouveau;	/* nouveau.fd is -1 if there is none */
};

struct opencl_queue {
	struct svm_queue base;
	cl_command_queue queue;
	cl_kernel copy, fill, add, mark;
	/*
	 * Each kernel is followed by one that writes its number there. Mesa's nouveau completes
	 * what was begun on a channel that has died, without an error: the number is missing then.
	 */
	uint32_t *seen;
	uint32_t wanted;
	pthread_mutex_t lock;	/* of all below */
	pthread_cond_t idle;
	unsigned int pending;	/* begun and not done */
	bool dead;		/* one of them has failed */
};

/* Who has begun with OpenCL: this process, or one that it was forked from. */
static pid_t begun_by;

static struct opencl_gpu *to_gpu(const struct svm_gpu *gpu)
{
	return (struct opencl_gpu *)gpu;
}

static struct opencl_queue *to_queue(struct svm_queue *queue)
{
	return (struct opencl_queue *)queue;
}

static int build(struct opencl_gpu *gpu, struct opencl_why *why)
{
	const char *text = source;
	cl_int err;

	gpu->program = cl.CreateProgramWithSource(gpu->context, 1, &text, NULL, &err);
	if (!gpu->program)
		return opencl_fail(opencl_errno(err), why, "clCreateProgramWithSource: error %d",
				   err);
	err = cl.BuildProgram(gpu->program, 1, &gpu->device, "", NULL, NULL);
	if (err) {
		char log[400] = "";

		cl.GetProgramBuildInfo(gpu->program, gpu->device, CL_PROGRAM_BUILD_LOG,
				       sizeof(log), log, NULL);
		return opencl_fail(opencl_errno(err), why, "clBuildProgram: error %d: %s", err,
				   log);
	}
	return 0;
}

static void drop(struct opencl_gpu *gpu)
{
	if (gpu->program)
		cl.ReleaseProgram(gpu->program);
	if (gpu->context)
		cl.ReleaseContext(gpu->context);
	gpu->program = NULL;
	gpu->context = NULL;
}

/*
 * The library's own clean-up, run in a child, would take apart what is its parent's.
 */
static void end_child(int status, void *unused)
{
	(void)unused;
	fflush(NULL);
	_exit(status);
}

static void after_fork(void)
{
	/* Last come, first called. */
	on_exit(end_child, NULL);
}

static int start(struct opencl_gpu *gpu, struct opencl_why *why)
{
	cl_int err;
	int ret;

	if (begun_by && begun_by != getpid())
		return opencl_fail(-EPERM, why, "this process was forked from one that had a queue "
				   "of OpenCL's, which cannot be used any more then; if that was "
				   "another subtest's, run this one by itself");
	if (gpu->context)
		return 0;
	if (!begun_by)
		pthread_atfork(NULL, NULL, after_fork);
	begun_by = getpid();
	ret = opencl_find(&gpu->device, why);
	if (ret)
		return ret;
	gpu->context = cl.CreateContext(NULL, 1, &gpu->device, NULL, NULL, &err);
	if (!gpu->context)
		return opencl_fail(opencl_errno(err), why, "clCreateContext: error %d", err);
	ret = build(gpu, why);
	if (ret)
		drop(gpu);
	return ret;
}

struct answer {
	int ret;
	struct opencl_why why;
};

/* Can this process begin? Let a child try, and end. */
static int probe(struct opencl_gpu *gpu, struct opencl_why *why)
{
	struct answer answer = { 0 };
	int fd[2], ret, status;
	pid_t pid;

	if (pipe(fd))
		return opencl_fail(-errno, why, "pipe");
	/* Whoever gets stuck in the driver is not waited for without a limit. */
	pid = child_start();
	if (!pid) {
		answer.ret = start(gpu, &answer.why);
		_exit(write(fd[1], &answer, sizeof(answer)) != sizeof(answer));
	}
	ret = pid < 0 ? pid : 0;
	close(fd[1]);
	if (ret) {
		close(fd[0]);
		return opencl_fail(ret, why, "fork");
	}
	ret = poll_within(fd[0], POLLIN, PROBE_MS);
	if (!ret) {
		kill(pid, SIGKILL);
		ret = opencl_fail(-ETIME, why, "OpenCL has not found its devices within %d s",
				  PROBE_MS / 1000);
	} else if (ret < 0) {
		opencl_fail(ret, why, "poll");
	} else if (read(fd[0], &answer, sizeof(answer)) != sizeof(answer)) {
		ret = opencl_fail(-EPROTO, why, "OpenCL ends the process that looks for its "
				  "devices; its reason is on standard error");
	} else {
		*why = answer.why;
		ret = answer.ret;
	}
	close(fd[0]);
	child_wait(pid, &status, PROBE_MS, "the process that looks for OpenCL's devices ends");
	return ret;
}

/* 0 if there is none that does this. */
static int open_nouveau(struct opencl_gpu *gpu)
{
	char node[32];
	int ret = -ENODEV;

	if (opencl_is_nouveau())
		ret = nouveau_node_find(node, sizeof(node));
	if (!ret)
		ret = gpu_open(&gpu->nouveau, node);
	if (ret)
		gpu->nouveau.fd = -1;
	return ret == -ENODEV || ret == -ENOSYS ? 0 : ret;
}

static void opencl_close(struct svm_gpu *gpu)
{
	if (begun_by == getpid())
		drop(to_gpu(gpu));
	if (to_gpu(gpu)->nouveau.fd >= 0)
		gpu_close(&to_gpu(gpu)->nouveau);
	free(gpu);
}

static int opencl_open(struct svm_gpu **gpu, const char **why)
{
	static struct opencl_why text;
	static bool probed;
	struct opencl_gpu *new = calloc(1, sizeof(*new));
	int ret = 0;

	*why = text.text;
	if (!new)
		return opencl_fail(-ENOMEM, &text, "a client");
	new->base.backend = &opencl_backend;
	pthread_mutex_init(&new->lock, NULL);
	if (begun_by)
		ret = start(new, &text);
	else if (!probed)
		ret = probe(new, &text);
	if (ret) {
		free(new);
		return ret;
	}
	probed = true;
	ret = open_nouveau(new);
	if (ret) {
		opencl_fail(ret, &text, "nouveau's device, beside OpenCL, does not open");
		opencl_close(&new->base);
		return ret;
	}
	*gpu = &new->base;
	return 0;
}

/* What happens to a queue that accesses nothing is the library's affair, and may be the end
 * of the process; and of the device's faults it tells nothing.
 */
static bool opencl_has(const struct svm_gpu *gpu, enum svm_cap cap)
{
	const struct gpu *nouveau = &to_gpu(gpu)->nouveau;

	return cap == SVM_MIGRATE && nouveau->fd >= 0 && nouveau->dev->vram_size;
}

static int opencl_fd(const struct svm_gpu *gpu)
{
	return to_gpu(gpu)->nouveau.fd;
}

static int opencl_migrate(struct svm_gpu *gpu, void *addr, size_t size)
{
	struct gpu *nouveau = &to_gpu(gpu)->nouveau;

	return nouveau->fd < 0 ? -EOPNOTSUPP : gpu_svm_migrate(nouveau, addr, size);
}

static uint64_t opencl_count(const struct svm_gpu *gpu)
{
	(void)gpu;
	return 0;
}

static void release(struct opencl_queue *queue)
{
	if (queue->copy)
		cl.ReleaseKernel(queue->copy);
	if (queue->fill)
		cl.ReleaseKernel(queue->fill);
	if (queue->add)
		cl.ReleaseKernel(queue->add);
	if (queue->mark)
		cl.ReleaseKernel(queue->mark);
	if (queue->queue)
		cl.ReleaseCommandQueue(queue->queue);
	pthread_mutex_destroy(&queue->lock);
	pthread_cond_destroy(&queue->idle);
	munmap(queue->seen, sizeof(*queue->seen));
	free(queue);
}

static int opencl_queue_open(struct svm_gpu *base, struct svm_queue **queue)
{
	struct opencl_queue *new = calloc(1, sizeof(*new));
	struct opencl_gpu *gpu = to_gpu(base);
	pthread_condattr_t monotonic;
	struct opencl_why why;
	cl_int err = 0;
	int ret;

	if (!new)
		return -ENOMEM;
	new->seen = mmap(NULL, sizeof(*new->seen), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (new->seen == MAP_FAILED) {
		free(new);
		return -ENOMEM;
	}
	pthread_mutex_lock(&gpu->lock);
	ret = start(gpu, &why);
	pthread_mutex_unlock(&gpu->lock);
	if (ret) {
		munmap(new->seen, sizeof(*new->seen));
		free(new);
		return ret;
	}
	new->base.backend = &opencl_backend;
	pthread_mutex_init(&new->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&new->idle, &monotonic);
	pthread_condattr_destroy(&monotonic);
	/* Without properties it is in order. */
	new->queue = cl.CreateCommandQueueWithProperties(gpu->context, gpu->device, NULL, &err);
	/* Arguments are a kernel's state: each queue has its own, as it has a thread. */
	if (!err)
		new->copy = cl.CreateKernel(gpu->program, "copy", &err);
	if (!err)
		new->fill = cl.CreateKernel(gpu->program, "fill", &err);
	if (!err)
		new->add = cl.CreateKernel(gpu->program, "add", &err);
	if (!err)
		new->mark = cl.CreateKernel(gpu->program, "mark", &err);
	if (!err)
		err = cl.SetKernelArgSVMPointer(new->mark, 0, new->seen);
	if (err) {
		release(new);
		return opencl_errno(err);
	}
	*queue = &new->base;
	return 0;
}

/* One less to be done. */
static void one_less(struct opencl_queue *queue, bool failed)
{
	pthread_mutex_lock(&queue->lock);
	queue->dead |= failed;
	if (!--queue->pending)
		pthread_cond_broadcast(&queue->idle);
	pthread_mutex_unlock(&queue->lock);
}

static void CL_CALLBACK done(cl_event event, cl_int status, void *queue)
{
	(void)event;
	one_less(queue, status < 0);
}

static int begin(struct opencl_queue *queue, cl_kernel kernel, size_t items)
{
	const size_t group = GROUP, all = (items + GROUP - 1) & -(size_t)GROUP;
	cl_event event;
	cl_int err;

	pthread_mutex_lock(&queue->lock);
	queue->pending++;
	pthread_mutex_unlock(&queue->lock);
	err = cl.EnqueueNDRangeKernel(queue->queue, kernel, 1, NULL, &all, &group, 0, NULL, NULL);
	if (!err) {
		queue->wanted++;
		err = cl.SetKernelArg(queue->mark, 1, sizeof(queue->wanted), &queue->wanted);
	}
	if (!err)
		err = cl.EnqueueNDRangeKernel(queue->queue, queue->mark, 1, NULL, &group, &group, 0,
					      NULL, &event);
	if (!err) {
		err = cl.SetEventCallback(event, CL_COMPLETE, done, queue);
		cl.ReleaseEvent(event);
	}
	if (err)
		one_less(queue, false);
	else
		err = cl.Flush(queue->queue);
	return opencl_errno(err);
}

static bool is_dead(struct opencl_queue *queue)
{
	bool dead;

	pthread_mutex_lock(&queue->lock);
	dead = queue->dead;
	pthread_mutex_unlock(&queue->lock);
	return dead;
}

static int opencl_copy(struct svm_queue *base, void *dst, const void *src, size_t n)
{
	struct opencl_queue *queue = to_queue(base);
	const cl_ulong bytes = n;
	cl_int err;

	if (is_dead(queue))
		return -ENODEV;
	if (!n)
		return 0;
	err = cl.SetKernelArgSVMPointer(queue->copy, 0, dst);
	if (!err)
		err = cl.SetKernelArgSVMPointer(queue->copy, 1, src);
	if (!err)
		err = cl.SetKernelArg(queue->copy, 2, sizeof(bytes), &bytes);
	return err ? opencl_errno(err) : begin(queue, queue->copy, (n + WORD - 1) / WORD);
}

static int opencl_fill(struct svm_queue *base, uint32_t *dst, uint32_t value, size_t words)
{
	struct opencl_queue *queue = to_queue(base);
	const cl_ulong n = words;
	cl_int err;

	if (is_dead(queue))
		return -ENODEV;
	if (!words)
		return 0;
	err = cl.SetKernelArgSVMPointer(queue->fill, 0, dst);
	if (!err)
		err = cl.SetKernelArg(queue->fill, 1, sizeof(value), &value);
	if (!err)
		err = cl.SetKernelArg(queue->fill, 2, sizeof(n), &n);
	return err ? opencl_errno(err) : begin(queue, queue->fill, words);
}

static int opencl_add(struct svm_queue *base, uint32_t *word, uint32_t value)
{
	struct opencl_queue *queue = to_queue(base);
	cl_int err;

	if (is_dead(queue))
		return -ENODEV;
	err = cl.SetKernelArgSVMPointer(queue->add, 0, word);
	if (!err)
		err = cl.SetKernelArg(queue->add, 1, sizeof(value), &value);
	return err ? opencl_errno(err) : begin(queue, queue->add, 1);
}

static int opencl_wait(struct svm_queue *base, unsigned int ms)
{
	struct opencl_queue *queue = to_queue(base);
	struct timespec end;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&queue->lock);
	while (queue->pending && !ret)
		ret = pthread_cond_timedwait(&queue->idle, &queue->lock, &end);
	if (queue->pending) {
		ret = -ETIME;
	} else {
		queue->dead |= __atomic_load_n(queue->seen, __ATOMIC_ACQUIRE) != queue->wanted;
		ret = queue->dead ? -EIO : 0;
	}
	pthread_mutex_unlock(&queue->lock);
	return ret;
}

static void opencl_queue_close(struct svm_queue *queue)
{
	/*
	 * Released while it is busy, it would be waited for without a limit. And what is done
	 * later is noted in it. It is left to the end of the process.
	 */
	if (begun_by == getpid() && opencl_wait(queue, CLOSE_MS) != -ETIME)
		release(to_queue(queue));
}

const struct svm_backend opencl_backend = {
	.name = "opencl",
	.open = opencl_open,
	.close = opencl_close,
	.has = opencl_has,
	.fd = opencl_fd,
	.migrate = opencl_migrate,
	.faults = opencl_count,
	.stale = opencl_count,
	.queue_open = opencl_queue_open,
	.queue_close = opencl_queue_close,
	.copy = opencl_copy,
	.fill = opencl_fill,
	.add = opencl_add,
	.wait = opencl_wait,
};
#endif

// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "board_scenario.h"
#include "clock.h"
#include "dmesg_patterns.h"
#include "igt_decl.h"
#include "nouveau_node.h"
#include "svm_options.h"
#include "svm_require.h"
#include "write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* Nothing tells of what the board does: look again after this time. */
enum { LOOK_AGAIN_US = 1000 };

/* Several waits, and each has its own limit. */
enum { SCENARIO_MS = 4 * SVM_WAIT_MS };

/* Opened by scenario_require_board(); a scenario's process has it from there. */
static struct board board;
static struct board_knobs knobs;	/* as they were then */
static char node[32];

/* If there is one: scenario_require_second_board(). */
static struct board second;
static char second_node[32];

/* In a scenario. */
#define BOARD(call)	CHILD_CHECK(!(call), "%s", board.why)
/* In a test. */
#define TEST_BOARD(call) igt_assert_f(!(call), "%s\n", board.why)

/* The PCI address of a node's device. 0 or -errno. */
static int address_of(const char *of, char *address, size_t size)
{
	char device[PATH_MAX];
	const int fd = open(of, O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = nouveau_node_device(fd, device, sizeof(device));
	close(fd);
	if (!ret)
		snprintf(address, size, "%s", strrchr(device, '/') + 1);
	return ret;
}

/* The board that nouveau drives as the device of a node. */
static void open_board(struct board *b, const char *of)
{
	char device[64];
	int ret = address_of(of, device, sizeof(device));

	igt_assert_f(!ret, "the device of %s: %s\n", of, strerror(-ret));
	igt_require_f(board_is(device),
		      "%s is no board with a control function, which the gates are of\n", device);
	ret = board_open(b, device);
	if (!ret)
		ret = board_oracle_wait(b, SVM_WAIT_MS);
	if (!ret)
		ret = board_exclude(b, BOARD_ALL_CHANNELS, GPU_WINDOW_ADDR, GPU_WINDOW_SIZE);
	igt_assert_f(!ret, "%s\n", b->why);
}

void scenario_require_board(void)
{
	const int ret = nouveau_node_find(node, sizeof(node));

	igt_require_f(ret != -ENODEV, "no render node in /dev/dri is of driver nouveau\n");
	igt_assert_f(!ret, "a render node: %s\n", strerror(-ret));
	open_board(&board, node);
	/* A test that was killed may have left gates closed. */
	board_gates_open(&board);
	board_knobs(&board, &knobs);
}

void scenario_require_second_board(void)
{
	const int ret = nouveau_node_next(node, second_node, sizeof(second_node));

	igt_require_f(ret != -ENODEV, "there is no second render node of driver nouveau\n");
	igt_assert_f(!ret, "a second render node: %s\n", strerror(-ret));
	open_board(&second, second_node);
}

const char *scenario_second_node(void)
{
	return second_node;
}

struct board *scenario_board(void)
{
	return &board;
}

static int write_driver(const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/nouveau/%s", file);
	return write_text(path, board.gpu);
}

static bool is_bound(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", board.gpu);
	return !access(path, F_OK);
}

/* The node of the board; it may have another one since it was bound again. 0 or -errno. */
static int find_node(void)
{
	char path[sizeof(node)], device[64];
	int ret;

	for (ret = nouveau_node_find(path, sizeof(path)); !ret;
	     ret = nouveau_node_next(path, path, sizeof(path))) {
		ret = address_of(path, device, sizeof(device));
		if (ret)
			return ret;
		if (!strcmp(device, board.gpu)) {
			strcpy(node, path);
			return 0;
		}
	}
	return ret;
}

/* Undo what a scenario has left. False: it has left the device unbound. */
static bool restore(void)
{
	const bool bound = is_bound();
	int ret;

	board_gates_open(&board);
	board_knobs_restore(&board, &knobs);
	board_access_stop(&board);
	ret = bound ? 0 : write_driver("bind");
	igt_assert_f(!ret, "%s is unbound, and cannot be bound: %s\n", board.gpu, strerror(-ret));
	ret = find_node();
	igt_assert_f(!ret, "the render node of %s: %s\n", board.gpu, strerror(-ret));
	return bound;
}

/* Of all boards. */
static uint64_t stat_now(const char *stat)
{
	uint64_t value, more = 0;

	TEST_BOARD(board_stat(&board, stat, &value));
	if (*second_node)
		igt_assert_f(!board_stat(&second, stat, &more), "%s\n", second.why);
	return value + more;
}

void scenario_note(struct scenario_before *before)
{
	before->stale = stat_now("stale_accesses");
	before->bad_tables = stat_now("bad_tables");
	before->channels = board_channels(&board);
	before->second_channels = *second_node ? board_channels(&second) : 0;
}

void scenario_compare(const struct scenario_before *before)
{
	const uint64_t stale = stat_now("stale_accesses") - before->stale;
	const uint64_t bad_tables = stat_now("bad_tables") - before->bad_tables;

	TEST_BOARD(board_channels_wait(&board, before->channels, SVM_WAIT_MS));
	if (*second_node)
		igt_assert_f(!board_channels_wait(&second, before->second_channels, SVM_WAIT_MS),
			     "%s\n", second.why);
	igt_assert_f(!stale, "%llu accesses to pages that mm had freed\n",
		     (unsigned long long)stale);
	igt_assert_f(!bad_tables, "%llu times what is no page table was taken for one\n",
		     (unsigned long long)bad_tables);
}

void scenario_run(void (*run)(void))
{
	struct scenario_before before;
	int status = 0, ret;
	pid_t pid;
	bool bound;

	scenario_note(&before);
	pid = child_start();
	if (!pid) {
		run();
		child_exit(0);
	}
	igt_assert_f(pid > 0, "fork: %s\n", strerror(-pid));
	ret = child_wait(pid, &status, SCENARIO_MS, "the scenario ends");
	/* A scenario that is stuck may go on then. */
	bound = restore();
	if (ret)
		child_kill_all(SVM_WAIT_MS);
	igt_assert_f(!ret, "the scenario: %s\n", strerror(-ret));
	igt_assert_f(!status, "the scenario has failed, status %#x: see what it says\n", status);
	igt_assert_f(bound, "the scenario has left the device unbound\n");
	scenario_compare(&before);
}

void scenario_subtests(const struct scenario *scenario, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		const struct scenario *s = &scenario[i];

		igt_describe(s->what);
		igt_subtest(s->name) {
			if (s->fuse)
				require_fuse();
			if (s->huge)
				require_thp();
			if (s->unbinds)
				require_unbind();
			if (s->kills)
				igt_emit_ignore_dmesg_regex(NOUVEAU_DEAD_QUEUE_DMESG);
			scenario_run(s->run);
		}
	}
}

const char *scenario_node(void)
{
	return node;
}

void scenario_open_client(struct gpu *gpu, const char *of)
{
	const int ret = gpu_open(gpu, of);

	CHILD_CHECK(!ret, "a client of %s with shared virtual memory: %s", of, strerror(-ret));
}

void scenario_open(struct gpu *gpu, struct chan *chan)
{
	scenario_open_client(gpu, node);
	scenario_open_channel(gpu, chan);
}

void scenario_close(struct gpu *gpu, struct chan *chan)
{
	chan_close(chan);
	gpu_close(gpu);
}

void scenario_open_channel(struct gpu *gpu, struct chan *chan)
{
	const int ret = chan_open(gpu, chan);

	CHILD_CHECK(!ret, "a channel: %s", strerror(-ret));
}

void scenario_bind(bool bind)
{
	const char *file = bind ? "bind" : "unbind";
	int ret = write_driver(file);

	CHILD_CHECK(!ret, "%s to %s of nouveau: %s", board.gpu, file, strerror(-ret));
	if (bind)
		ret = find_node();
	CHILD_CHECK(!ret, "the render node of %s: %s", board.gpu, strerror(-ret));
}

unsigned int channels_now(void)
{
	return board_channels(&board);
}

void wait_channels(unsigned int nr)
{
	BOARD(board_channels_wait(&board, nr, SVM_WAIT_MS));
}

uint64_t counted(const char *stat)
{
	uint64_t value;

	BOARD(board_stat(&board, stat, &value));
	return value;
}

uint64_t counted_faults(void)
{
	return counted("faults_read") + counted("faults_write") + counted("faults_atomic") +
	       counted("faults_prefetch");
}

void wait_faults(uint64_t count)
{
	const int64_t end = now_ms() + SVM_WAIT_MS;
	uint64_t faults;

	while ((faults = counted_faults()) < count) {
		CHILD_CHECK(now_ms() < end, "waited %u ms for %llu faults: there are %llu",
			    SVM_WAIT_MS, (unsigned long long)count, (unsigned long long)faults);
		usleep(LOOK_AGAIN_US);
	}
}

struct board_channel channel_of(const struct chan *chan)
{
	struct board_channel channel;

	BOARD(board_channel(&board, chan->id, &channel));
	return channel;
}

void set_knob(const char *knob, uint64_t value)
{
	BOARD(board_knob_set(&board, knob, value));
}

void close_gate(const char *gate)
{
	BOARD(board_gate_close(&board, gate));
}

void open_gate(const char *gate)
{
	uint32_t held;
	bool closed;

	/* A gate opens by itself after knob gate_limit, and a test would pass without a wait. */
	BOARD(board_gate(&board, gate, &closed, &held));
	CHILD_CHECK(closed, "gate %s has opened by itself", gate);
	BOARD(board_gate_open(&board, gate));
}

void wait_gate(const char *gate)
{
	BOARD(board_gate_wait_held(&board, gate, 1, SVM_WAIT_MS));
}

struct board_access access_of(const struct chan *chan, enum board_type type, const void *addr,
			      uint32_t value)
{
	return (struct board_access) {
		.chan = chan->id, .type = type, .va = (uintptr_t)addr, .value = value,
	};
}

void accesses_begin(struct board_access *access, unsigned int nr)
{
	BOARD(board_access_start(&board, access, nr));
}

bool accesses_ended(const struct board_access *access, unsigned int nr)
{
	return board_access_ended(&board, access, nr);
}

void accesses_wait(struct board_access *access, unsigned int nr)
{
	BOARD(board_access_wait(&board, access, nr, SVM_WAIT_MS));
}

void accesses(struct board_access *access, unsigned int nr)
{
	accesses_begin(access, nr);
	accesses_wait(access, nr);
}

void accesses_in_one_batch(struct board_access *access, unsigned int nr)
{
	const uint64_t count = counted_faults();

	close_gate("notify");
	accesses_begin(access, nr);
	wait_faults(count + nr);
	open_gate("notify");
	accesses_wait(access, nr);
}

static enum control_state access_one_ends(const struct chan *chan, enum board_type type,
					  const void *addr, uint32_t *value)
{
	struct board_access access = access_of(chan, type, addr, value ? *value : 0);

	accesses(&access, 1);
	if (value)
		*value = access.value;
	return access.state;
}

bool access_one(const struct chan *chan, enum board_type type, const void *addr, uint32_t *value)
{
	return access_one_ends(chan, type, addr, value) == CONTROL_DONE;
}

void refused_one(const struct chan *chan, enum board_type type, const void *addr, uint32_t value,
		 const char *what)
{
	const enum control_state state = access_one_ends(chan, type, addr, &value);

	CHILD_CHECK(state == CONTROL_CANCELLED, "%s is %s, and has to be cancelled", what,
		    board_access_state(state));
}

void copy_begin(struct chan *chan, void *dst, const void *src, uint32_t n)
{
	const struct copy copy = {
		.dst = (uintptr_t)dst, .src = (uintptr_t)src, .length = n, .lines = 1,
	};
	const int ret = chan_copy(chan, &copy);

	CHILD_CHECK(!ret, "a copy: %s", strerror(-ret));
}

bool copy_ended(struct chan *chan)
{
	const int64_t end = now_ms() + SVM_WAIT_MS;

	while (!chan_done(chan) && now_ms() < end)
		usleep(LOOK_AGAIN_US);
	return chan_done(chan);
}

void *small_pages(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHILD_CHECK(p != MAP_FAILED, "mmap of %zu bytes: %s", size, strerror(errno));
	/* A kernel without huge pages does not know it. */
	CHILD_CHECK(!madvise(p, size, MADV_NOHUGEPAGE) || errno == EINVAL, "MADV_NOHUGEPAGE: %s",
		    strerror(errno));
	return p;
}

void *shared_pages(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHILD_CHECK(p != MAP_FAILED, "mmap of %zu shared bytes: %s", size, strerror(errno));
	return p;
}

void *huge_pages(size_t size, uint8_t byte)
{
	const uintptr_t huge = SCENARIO_HUGE;
	uint8_t *p = small_pages(size + huge);

	p = (uint8_t *)(((uintptr_t)p + huge - 1) & -huge);
	CHILD_CHECK(!madvise(p, size, MADV_HUGEPAGE), "MADV_HUGEPAGE: %s", strerror(errno));
	return memset(p, byte, size);
}

pid_t scenario_child(void)
{
	const pid_t pid = child_start();

	CHILD_CHECK(pid >= 0, "fork: %s", strerror(-pid));
	return pid;
}

int scenario_reap(pid_t pid)
{
	int status = 0;
	const int ret = child_wait(pid, &status, SVM_WAIT_MS, "a process of the scenario ends");

	CHILD_CHECK(!ret, "a process of the scenario: %s", strerror(-ret));
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void scenario_kill(pid_t pid)
{
	int status;

	CHILD_CHECK(!kill(pid, SIGKILL), "kill: %s", strerror(errno));
	status = scenario_reap(pid);
	CHILD_CHECK(status == 128 + SIGKILL, "a process was killed, but its status is %d", status);
}

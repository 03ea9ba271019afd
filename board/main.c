// SPDX-License-Identifier: MIT
/*
 * board: a GP100 for a guest in QEMU, by vfio-user. Options, sockets, and the loop: messages of
 * the client first, then a piece of the engines' work.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "firmware.h"
#include "gpu.h"
#include "vfio_user.h"

#define MIB		(1ULL << 20)
#define VRAM_MIN	64
#define VRAM_MAX	65536
/*
 * How long to look at the sockets before sleeping: a guest that polls a register asks again
 * within that time, and waking up costs more than the answer.
 */
#define SPIN_NS		200000

struct options {
	const char *socket, *control, *log, *summary;
	uint64_t vram;
	bool bar2_mapped;
	uint32_t serial;
};

static void usage(void)
{
	printf(
		"usage: board --socket PATH [OPTION]...\n"
		"       board --make-firmware DIR\n"
		"\n"
		"A GP100 on the PCI bus of a guest. A QEMU with vfio-user-pci connects to it:\n"
		"  -object memory-backend-memfd,id=m,size=2G,share=on -machine q35,memory-backend=m\n"
		"  -device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"PATH\"}}'\n"
		"\n"
		"  --socket PATH        serve the GPU here, until the client goes\n"
		"  --control PATH       serve the control function here\n"
		"  --vram MIB           device memory, %u to %u (default 512)\n"
		"  --bar2 MODE          trapped (default): accesses to page tables are counted;\n"
		"                       mapped: they are memory to the guest, and fast\n"
		"  --log FILE           write the event log\n"
		"  --summary FILE       at the end, write statistics and what was not modelled\n"
		"                       (default: standard error)\n"
		"  --set KNOB=VALUE     set a knob at power-on; may be repeated\n"
		"  --serial N           a number to tell boards apart by\n"
		"  --list-knobs         knobs, gates, statistics and events\n"
		"  --make-firmware DIR  write files for the guest's /lib/firmware/nvidia/gp100\n"
		"  --help               this\n", VRAM_MIN, VRAM_MAX);
}

static void list(void)
{
	static const struct { const char *name, *text; } stats[] = {
#define STAT(n, t) { #n, t },
#include "stats.h"
#undef STAT
	}, events[] = {
#define EVENT(n, t) { #n, t },
#include "event_kinds.h"
#undef EVENT
	};
	struct knobs knobs;

	knobs_init(&knobs);
	printf("knobs (name, value at power-on, largest value)\n");
	for (unsigned int i = 0; i < KNOBS; i++)
		printf("  %-20s %-6" PRIu64 " %-10" PRIu64 " %s\n", knob_name(i), knobs.value[i],
		       knob_max(i), knob_text(i));
	printf("gates (what a closed one holds)\n");
	for (unsigned int i = 0; i < GATES; i++)
		printf("  %-20s %s\n", gate_name(i), gate_text(i));
	printf("statistics\n");
	for (unsigned int i = 0; i < STATS; i++)
		printf("  %-20s %s\n", stats[i].name, stats[i].text);
	printf("events\n");
	for (unsigned int i = 0; i < EVENT_KINDS; i++)
		printf("  %-20s %s\n", events[i].name, events[i].text);
}

static int bad(const char *option, const char *value, const char *why)
{
	fprintf(stderr, "board: --%s %s: %s (see board --help)\n", option, value, why);
	return -1;
}

/* A number and nothing else. */
static int number(const char *option, const char *text, uint64_t min, uint64_t max,
		  uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-')
		return bad(option, text, "this is no number");
	if (*value < min || *value > max) {
		fprintf(stderr,
			"board: --%s %s: %" PRIu64 " to %" PRIu64 " is wanted (see board --help)\n",
			option, text, min, max);
		return -1;
	}
	return 0;
}

static int set_knob(struct knobs *knobs, const char *text)
{
	char name[64], option[80];
	const char *equals = strchr(text, '='), *why;
	uint64_t value;
	int nr;

	if (!equals || (size_t)(equals - text) >= sizeof(name))
		return bad("set", text, "KNOB=VALUE is wanted");
	memcpy(name, text, equals - text);
	name[equals - text] = '\0';
	nr = knob_find(name);
	if (nr < 0)
		return bad("set", text, "there is no such knob, see board --list-knobs");
	snprintf(option, sizeof(option), "set %s", name);
	if (number(option, equals + 1, 0, knob_max(nr), &value))
		return -1;
	why = knob_set(knobs, nr, value);
	return why ? bad("set", text, why) : 0;
}

/* 0: go on; 1: done; -1: a mistake, -2: something failed, which was said. */
static int parse(int argc, char **argv, struct options *options, struct knobs *knobs)
{
	static const struct option known[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "control", required_argument, NULL, 'c' },
		{ "vram", required_argument, NULL, 'v' },
		{ "bar2", required_argument, NULL, 'b' },
		{ "log", required_argument, NULL, 'l' },
		{ "summary", required_argument, NULL, 'y' },
		{ "set", required_argument, NULL, 'k' },
		{ "serial", required_argument, NULL, 'n' },
		{ "list-knobs", no_argument, NULL, 'L' },
		{ "make-firmware", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	uint64_t value;
	int c;

	*options = (struct options) { .vram = 512 * MIB };
	knobs_init(knobs);
	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		switch (c) {
		case 's': options->socket = optarg; break;
		case 'c': options->control = optarg; break;
		case 'l': options->log = optarg; break;
		case 'y': options->summary = optarg; break;
		case 'v':
			if (number("vram", optarg, VRAM_MIN, VRAM_MAX, &value))
				return -1;
			options->vram = value * MIB;
			break;
		case 'b':
			if (strcmp(optarg, "trapped") && strcmp(optarg, "mapped"))
				return bad("bar2", optarg, "trapped or mapped is wanted");
			options->bar2_mapped = !strcmp(optarg, "mapped");
			break;
		case 'k':
			if (set_knob(knobs, optarg))
				return -1;
			break;
		case 'n':
			if (number("serial", optarg, 0, UINT32_MAX, &value))
				return -1;
			options->serial = value;
			break;
		case 'L': list(); return 1;
		case 'f': return firmware_make(optarg) ? -2 : 1;
		case 'h': usage(); return 1;
		default:
			fprintf(stderr, "board: see board --help\n");
			return -1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "board: %s: there are no arguments but options (see board --help)\n",
			argv[optind]);
		return -1;
	}
	if (options->socket && options->control && !strcmp(options->socket, options->control)) {
		fprintf(stderr, "board: --socket and --control are one path: %s; name two\n",
			options->socket);
		return -1;
	}
	if (!options->socket) {
		fprintf(stderr, "board: --socket PATH is missing (see board --help)\n");
		return -1;
	}
	return 0;
}

/* ---- the two functions and their sockets ---- */

struct board {
	struct events events;
	struct gpu gpu;
	struct control control;
	struct vfio_user gpu_socket, control_socket;
	FILE *log, *summary;
};

_Static_assert(GPU_CONFIG == VFIO_USER_CONFIG, "one number for the configuration space");

static void on_gpu_read(void *dev, unsigned int region, uint64_t offset, void *buf, uint32_t len)
{
	gpu_read(&((struct board *)dev)->gpu, region, offset, buf, len);
}

static void on_gpu_write(void *dev, unsigned int region, uint64_t offset, const void *buf,
			 uint32_t len)
{
	gpu_write(&((struct board *)dev)->gpu, region, offset, buf, len);
}

/* The guest starts: another kernel may be in its memory. */
static void on_gpu_reset(void *dev)
{
	struct gpu *gpu = &((struct board *)dev)->gpu;

	gpu_reset(gpu);
	oracle_memory(&gpu->access.oracle, gpu->access.oracle.ram, gpu->access.oracle.ram_size);
}

static const char *on_dma_map(void *dev, uint64_t iova, uint64_t size, int fd, uint64_t offset,
			      bool writable)
{
	return gpu_dma_map(&((struct board *)dev)->gpu, iova, size, fd, offset, writable);
}

static const char *on_dma_unmap(void *dev, uint64_t iova, uint64_t size)
{
	return gpu_dma_unmap(&((struct board *)dev)->gpu, iova, size);
}

static bool on_interrupt(void *arg)
{
	return vfio_user_interrupt(arg);
}

static bool on_intx(void *arg)
{
	return vfio_user_intx(arg);
}

static void on_control_read(void *dev, unsigned int region, uint64_t offset, void *buf,
			    uint32_t len)
{
	control_read(&((struct board *)dev)->control, region, offset, buf, len);
}

static void on_control_write(void *dev, unsigned int region, uint64_t offset, const void *buf,
			     uint32_t len)
{
	control_write(&((struct board *)dev)->control, region, offset, buf, len);
}

static void on_control_reset(void *dev)
{
	control_reset(&((struct board *)dev)->control);
}

static const struct vfio_user_ops gpu_ops = {
	.read = on_gpu_read, .write = on_gpu_write, .reset = on_gpu_reset,
	.dma_map = on_dma_map, .dma_unmap = on_dma_unmap,
};

static const struct vfio_user_ops control_ops = {
	.read = on_control_read, .write = on_control_write, .reset = on_control_reset,
};

static int listen_on(struct board *board, const struct options *options)
{
	struct vfio_user *gpu = &board->gpu_socket, *control = &board->control_socket;

	*gpu = (struct vfio_user) { .name = "gpu", .ops = &gpu_ops, .dev = board,
				    .listener = -1, .sock = -1, .irq = -1 };
	*control = (struct vfio_user) { .name = "control", .ops = &control_ops, .dev = board,
					.listener = -1, .sock = -1, .irq = -1 };
	for (unsigned int i = 0; i < VFIO_USER_REGIONS; i++)
		gpu->region[i].fd = control->region[i].fd = -1;
	gpu->region[GPU_BAR0].size = PRI_SIZE;
	gpu->region[GPU_BAR1].size = GPU_BAR1_SIZE;
	gpu->region[GPU_BAR2] = (struct vfio_user_region) { GPU_BAR2_SIZE, board->gpu.bar2.fd };
	gpu->region[VFIO_USER_CONFIG].size = PCI_CONFIG_SIZE;
	control->region[0].size = CONTROL_BAR_SIZE;
	control->region[VFIO_USER_CONFIG].size = PCI_CONFIG_SIZE;
	board->gpu.interrupt = on_interrupt;
	board->gpu.intx = on_intx;
	board->gpu.interrupt_arg = gpu;
	if (options->control && vfio_user_listen(control, options->control))
		return -1;
	/* The GPU's last: when it exists, both do. */
	return vfio_user_listen(gpu, options->socket);
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* SIGTERM and SIGINT as input: the end of a run is an orderly one. */
static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Until the GPU's client has gone, or a signal comes. 0, or -1: the client broke the protocol. */
static int serve(struct board *board, int signal_fd)
{
	uint64_t heard = clock_ns();

	while (true) {
		struct pollfd fd[3] = {
			{ vfio_user_fd(&board->gpu_socket), POLLIN, 0 },
			{ vfio_user_fd(&board->control_socket), POLLIN, 0 },
			{ signal_fd, POLLIN, 0 },
		};
		const int64_t ns = gpu_work(&board->gpu);
		struct timespec wait = { ns / 1000000000, ns % 1000000000 };
		const bool spin = ns == 0 || clock_ns() - heard < SPIN_NS;
		int n, rc;

		if (spin)
			wait = (struct timespec) {};
		n = ppoll(fd, 3, spin || ns >= 0 ? &wait : NULL, NULL);
		if (n < 0 && errno != EINTR) {
			perror("board: poll");
			return -1;
		}
		if (n <= 0) {
			/* Where processors are scarce the guest's may be waiting for this one. */
			if (spin)
				sched_yield();
			continue;
		}
		if (fd[2].revents)
			return 0;
		heard = clock_ns();
		if (fd[1].revents)
			vfio_user_receive(&board->control_socket);
		if (!fd[0].revents)
			continue;
		rc = vfio_user_receive(&board->gpu_socket);
		if (rc <= 0)
			return rc;
	}
}

static struct board *board_new(const struct options *options, const struct knobs *knobs)
{
	struct board *board = calloc(1, sizeof(*board));

	if (!board) {
		fprintf(stderr, "board: out of memory\n");
		return NULL;
	}
	if (options->log) {
		board->log = fopen(options->log, "w");
		if (!board->log) {
			fprintf(stderr, "board: --log %s: %s; name another file\n", options->log,
				strerror(errno));
			free(board);
			return NULL;
		}
	}
	board->summary = stderr;
	if (options->summary) {
		board->summary = fopen(options->summary, "w");
		if (!board->summary) {
			fprintf(stderr, "board: --summary %s: %s; name another file\n",
				options->summary, strerror(errno));
			if (board->log)
				fclose(board->log);
			free(board);
			return NULL;
		}
	}
	events_init(&board->events, board->log);
	if (gpu_init(&board->gpu, &board->events, options->vram, options->bar2_mapped,
		     0x118f + options->serial)) {
		fprintf(stderr, "board: %" PRIu64 " MiB of device memory: %s\n",
			(uint64_t)(options->vram / MIB), strerror(errno));
		goto failed;
	}
	for (unsigned int i = 0; i < KNOBS; i++) {
		const char *why = gpu_knob(&board->gpu, i, knobs->value[i]);

		if (why) {
			fprintf(stderr, "board: --set %s=%" PRIu64 ": %s\n", knob_name(i),
				knobs->value[i], why);
			goto failed;
		}
	}
	control_init(&board->control, &board->gpu, options->serial);
	return board;
failed:
	gpu_fini(&board->gpu);
	if (board->log)
		fclose(board->log);
	if (board->summary != stderr)
		fclose(board->summary);
	free(board);
	return NULL;
}

/* Its logs are complete. 0, or -1: one cannot be written. */
static int board_end(struct board *board, const struct options *options)
{
	int rc = 0;

	events_summary(&board->events, board->summary);
	if (board->summary != stderr && fclose(board->summary)) {
		fprintf(stderr, "board: %s: %s\n", options->summary, strerror(errno));
		rc = -1;
	}
	if (board->log && fclose(board->log)) {
		fprintf(stderr, "board: %s: %s\n", options->log, strerror(errno));
		rc = -1;
	}
	gpu_fini(&board->gpu);
	free(board);
	return rc;
}

int main(int argc, char **argv)
{
	struct options options;
	struct board *board;
	struct knobs knobs;
	int rc = parse(argc, argv, &options, &knobs), signal_fd;

	if (rc)
		return rc > 0 ? 0 : rc == -1 ? 2 : 1;
	board = board_new(&options, &knobs);
	if (!board)
		return 1;
	signal_fd = signals();
	rc = listen_on(board, &options);
	if (!rc)
		rc = serve(board, signal_fd);
	vfio_user_close(&board->gpu_socket);
	vfio_user_close(&board->control_socket);
	close(signal_fd);
	return board_end(board, &options) || rc ? 1 : 0;
}

// SPDX-License-Identifier: MIT
/*
 * The program: options, sockets, the loop, its end. $BOARD names it (make check: the one with
 * sanitizers). Messages are those of docs/interop/vfio-user.rst of QEMU.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../control_abi.h"
#include "../vfio_user.h"

#define LIMIT_MS	120000	/* ends a hang, no more */

struct bench {
	char dir[32], socket[64], control[64], log[64], summary[64];
	pid_t pid;
	int out, err;		/* what it says, memfds */
	int watch;
};

static void at_limit(int signal)
{
	static const char text[] = "test_main: the board has not answered for two minutes\n";

	(void)signal;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	strcpy(b->dir, "/tmp/test_main.XXXXXX");
	if (!mkdtemp(b->dir))
		return -1;
	snprintf(b->socket, sizeof(b->socket), "%s/gpu", b->dir);
	snprintf(b->control, sizeof(b->control), "%s/control", b->dir);
	snprintf(b->log, sizeof(b->log), "%s/log", b->dir);
	snprintf(b->summary, sizeof(b->summary), "%s/summary", b->dir);
	b->out = b->err = -1;
	b->watch = inotify_init1(IN_CLOEXEC);
	if (inotify_add_watch(b->watch, b->dir, IN_CREATE) < 0)
		return -1;
	signal(SIGALRM, at_limit);
	alarm(LIMIT_MS / 1000);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	alarm(0);
	if (b->pid > 0) {
		kill(b->pid, SIGKILL);
		waitpid(b->pid, NULL, 0);
	}
	if (b->out >= 0)
		close(b->out);
	if (b->err >= 0)
		close(b->err);
	close(b->watch);
	unlink(b->log);
	unlink(b->summary);
	unlink(b->socket);
	unlink(b->control);
	rmdir(b->dir);
	free(b);
	return 0;
}

/* ---- the process ---- */

static void start(struct bench *b, char *const args[])
{
	const char *board = getenv("BOARD");

	if (!board)
		fail_msg("BOARD is not set: run make -C board check");
	if (b->out >= 0)
		close(b->out);
	if (b->err >= 0)
		close(b->err);
	b->out = memfd_create("out", MFD_CLOEXEC);
	b->err = memfd_create("err", MFD_CLOEXEC);
	b->pid = fork();
	assert_true(b->pid >= 0);
	if (b->pid)
		return;
	dup2(b->out, STDOUT_FILENO);
	dup2(b->err, STDERR_FILENO);
	execv(board, args);
	_exit(127);
}

static int ended(struct bench *b)
{
	int status;

	assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
	b->pid = 0;
	if (!WIFEXITED(status))
		fail_msg("the board ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static bool said(int fd, const char *what)
{
	static char text[1 << 17];
	const ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	if (strstr(text, "Sanitizer") || strstr(text, "runtime error"))
		fail_msg("%s", text);
	return strstr(text, what);
}

static bool file_says(const char *path, const char *what)
{
	static char text[1 << 20];
	FILE *file = fopen(path, "r");
	size_t n;

	assert_non_null(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	return strstr(text, what);
}

/* Run it to its end, with up to six arguments. */
static int run(struct bench *b, const char *a1, const char *a2, const char *a3, const char *a4,
	       const char *a5)
{
	char *const args[] = { "board", (char *)a1, (char *)a2, (char *)a3, (char *)a4, (char *)a5,
			       NULL };

	start(b, args);
	return ended(b);
}

/* Until a file of that name is made. */
static void wait_for(struct bench *b, const char *path)
{
	char buf[4096] __attribute__((aligned(8)));

	while (access(path, F_OK)) {
		struct pollfd fd = { b->watch, POLLIN, 0 };
		int status;

		/* A board that ends makes none. */
		if (waitpid(b->pid, &status, WNOHANG) == b->pid) {
			b->pid = 0;
			said(b->err, "");
			fail_msg("the board ended before it had %s", path);
		}
		if (poll(&fd, 1, 1000) > 0)
			assert_true(read(b->watch, buf, sizeof(buf)) > 0);
	}
}

/* ---- the client ---- */

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(sock >= 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	/* The file is there a moment before somebody listens; there is no event for that. */
	while (connect(sock, (struct sockaddr *)&addr, sizeof(addr))) {
		const struct timespec moment = { 0, 1000000 };

		assert_int_equal(errno, ECONNREFUSED);
		nanosleep(&moment, NULL);
	}
	return sock;
}

struct header {
	uint16_t id, command;
	uint32_t size, flags, error;
};

/* A request with its reply's payload. The error that it says, or 0. */
static uint32_t ask(int sock, uint16_t command, const void *data, uint32_t len, int fd, void *reply,
		    uint32_t room)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct header header = { 1, command, sizeof(header) + len, 0, 0 };
	struct iovec iov[2] = { { &header, sizeof(header) }, { (void *)data, len } };
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };
	uint8_t rest[4096];

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header = (struct cmsghdr) { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	}
	assert_int_equal(sendmsg(sock, &message, MSG_NOSIGNAL), header.size);
	assert_int_equal(recv(sock, &header, sizeof(header), MSG_WAITALL), sizeof(header));
	assert_int_equal(header.command, command);
	len = header.size - sizeof(header);
	assert_true(len <= sizeof(rest));
	if (len)
		assert_int_equal(recv(sock, rest, len, MSG_WAITALL), len);
	if (room)
		memcpy(reply, rest, len < room ? len : room);
	return header.flags & 0x20 ? header.error : 0;
}

static void hello(int sock)
{
	static const char version[] = "\0\0\0\0{\"capabilities\":{\"max_msg_fds\":8}}";

	assert_int_equal(ask(sock, 1, version, sizeof(version), -1, NULL, 0), 0);
}

struct region_access {
	uint64_t offset;
	uint32_t region, count, value;
};

static uint32_t region_read(int sock, uint32_t region, uint64_t offset)
{
	struct region_access a = { offset, region, 4, 0 };

	assert_int_equal(ask(sock, 9, &a, 16, -1, &a, sizeof(a)), 0);
	return a.value;
}

static void region_write(int sock, uint32_t region, uint64_t offset, uint32_t value)
{
	const struct region_access a = { offset, region, 4, value };

	assert_int_equal(ask(sock, 10, &a, 20, -1, NULL, 0), 0);
}

/* ---- options ---- */

static void help(void **state)
{
	struct bench *b = *state;

	assert_int_equal(run(b, "--help", NULL, NULL, NULL, NULL), 0);
	assert_true(said(b->out, "usage: board --socket PATH"));
	assert_true(said(b->out, "--list-knobs"));
	assert_int_equal(run(b, "--list-knobs", NULL, NULL, NULL, NULL), 0);
	assert_true(said(b->out, "\n  tlb_size "));
	assert_true(said(b->out, "\n  notify "));
	assert_true(said(b->out, "\n  faults_read "));
	assert_true(said(b->out, "\n  bar2_map "));
}

static void bad_arguments(void **state)
{
	static const struct {
		const char *option, *value, *says;
	} table[] = {
		{ "--vram", "63", "is wanted" }, { "--vram", "65537", "is wanted" },
		{ "--vram", "x", "no number" }, { "--vram", "64M", "no number" },
		{ "--vram", "-64", "no number" }, { "--vram", "", "no number" },
		{ "--vram", "99999999999999999999999", "no number" },
		{ "--bar2", "fast", "trapped or mapped" },
		{ "--serial", "4294967296", "is wanted" },
		{ "--set", "strict", "KNOB=VALUE" }, { "--set", "=1", "no such knob" },
		{ "--set", "nonsense=1", "no such knob" }, { "--set", "strict=2", "is wanted" },
		{ "--set", "strict=x", "no number" }, { "--set", "pace=4294967296", "is wanted" },
		{ "--set", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1",
		  "KNOB=VALUE" },
		{ "--nonsense", "", "unrecognized option" },
	};
	struct bench *b = *state;

	for (unsigned int i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const int rc = run(b, "--socket", b->socket, table[i].option, table[i].value, NULL);

		if (rc != 2 || !said(b->err, table[i].says))
			fail_msg("%s %s: code %d", table[i].option, table[i].value, rc);
		/* Where help is, or the help itself. */
		assert_true(said(b->err, "board --"));
	}
	assert_int_equal(run(b, NULL, NULL, NULL, NULL, NULL), 2);
	assert_true(said(b->err, "--socket PATH is missing"));
	assert_int_equal(run(b, "--socket", b->socket, "--control", b->socket, NULL), 2);
	assert_true(said(b->err, "are one path"));
	assert_int_equal(run(b, "--socket", b->socket, "surplus", NULL, NULL), 2);
	assert_true(said(b->err, "surplus"));
	assert_int_equal(run(b, "--socket", NULL, NULL, NULL, NULL), 2);
	/* Nothing of that made a socket. */
	assert_int_not_equal(access(b->socket, F_OK), 0);
}

static void bad_files(void **state)
{
	struct bench *b = *state;
	char path[128], name[64];

	snprintf(path, sizeof(path), "%s/none/log", b->dir);
	assert_int_equal(run(b, "--socket", b->socket, "--log", path, NULL), 1);
	assert_true(said(b->err, path));
	assert_int_equal(run(b, "--socket", path, NULL, NULL, NULL), 1);
	assert_true(said(b->err, path));
	assert_int_equal(run(b, "--socket", b->socket, "--control", path, NULL), 1);
	assert_true(said(b->err, path));
	/* Two options that are right, but not together. */
	assert_int_equal(run(b, "--socket", b->socket, "--bar2=mapped", "--set=torn=1", NULL), 1);
	assert_true(said(b->err, "--set torn=1"));
	/* Folders are made, also above it; not below a file. */
	snprintf(path, sizeof(path), "%s/file/fw", b->dir);
	snprintf(name, sizeof(name), "%s/file", b->dir);
	assert_false(close(open(name, O_CREAT | O_WRONLY, 0600)));
	assert_int_equal(run(b, "--make-firmware", path, NULL, NULL, NULL), 1);
	assert_true(said(b->err, name));
	unlink(name);
}

static void firmware(void **state)
{
	struct bench *b = *state;
	char path[64], name[256];

	snprintf(path, sizeof(path), "%s/fw", b->dir);
	assert_int_equal(run(b, "--make-firmware", path, NULL, NULL, NULL), 0);
	snprintf(name, sizeof(name), "rm -r %s/acr %s/gr && rmdir %s", path, path, path);
	assert_int_equal(system(name), 0);
}

static void socket_in_use(void **state)
{
	struct bench *b = *state;
	struct bench other = { .out = -1, .err = -1 };
	char *const args[] = { "board", "--socket", b->socket, NULL };
	int sock;

	start(b, args);
	wait_for(b, b->socket);
	sock = connect_to(b->socket);
	assert_int_equal(run(&other, "--socket", b->socket, NULL, NULL, NULL), 1);
	assert_true(said(other.err, b->socket));
	assert_true(said(other.err, "in use"));
	close(other.out);
	close(other.err);
	/* The first one's is as it was. */
	hello(sock);
	close(sock);
	assert_int_equal(ended(b), 0);
	assert_int_not_equal(access(b->socket, F_OK), 0);
}

/* ---- a run ---- */

static void serve(struct bench *b, const char *mode)
{
	char *const args[] = { "board", "--socket", b->socket, "--control", b->control, "--log",
			       b->log, "--summary", b->summary, "--vram", "64", "--bar2",
			       (char *)mode, "--set", "strict=1", "--serial", "7", NULL };
	const struct { uint32_t argsz, flags, index, start, count; } irq = { 20, 0x24, 1, 0, 1 };
	const struct { uint32_t argsz, flags; uint64_t offset, iova, size; } map =
		{ 32, 3, 0, 0x100000, 1 << 20 };
	const struct { uint32_t argsz, flags; uint64_t iova, size; } unmap =
		{ 24, 0, 0x100000, 1 << 20 };
	const int event = eventfd(0, EFD_CLOEXEC), memory = memfd_create("m", MFD_ALLOW_SEALING);
	struct pollfd fd = { event, POLLIN, 0 };
	uint64_t count;
	int gpu, control;

	assert_int_equal(ftruncate(memory, 1 << 20), 0);
	assert_int_equal(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	start(b, args);
	wait_for(b, b->socket);
	gpu = connect_to(b->socket);
	control = connect_to(b->control);
	hello(gpu);
	hello(control);
	assert_int_equal(region_read(gpu, 0, 0), 0x130000a1);
	assert_int_equal(region_read(gpu, 0, 0x90020c), 64);
	assert_int_equal(region_read(gpu, VFIO_USER_CONFIG, 0), 0x15f810de);
	/* BAR1 shows VRAM. */
	region_write(gpu, 1, 0x1000, 0x1234);
	assert_int_equal(region_read(gpu, 1, 0x1000), 0x1234);
	/* The guest's memory, by PRAMIN's window into it. */
	region_write(gpu, VFIO_USER_CONFIG, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_int_equal(ask(gpu, 2, &map, 32, memory, NULL, 0), 0);
	region_write(gpu, 0, 0x1700, 2 << 24 | 0x10);
	region_write(gpu, 0, 0x700000, 0x5678);
	assert_int_equal(pread(memory, &count, 4, 0), 4);
	assert_int_equal((uint32_t)count, 0x5678);
	assert_int_equal(ask(gpu, 3, &unmap, 24, -1, NULL, 0), 0);
	assert_int_equal(region_read(gpu, 0, 0x700000), 0);
	/* An interrupt: the alarm of PTIMER. */
	assert_int_equal(ask(gpu, 8, &irq, 20, event, NULL, 0), 0);
	region_write(gpu, 0, 0x9140, 1);
	region_write(gpu, 0, 0x160, 1 << 20);
	region_write(gpu, 0, 0x9420, region_read(gpu, 0, 0x9400) + 100000);
	assert_int_equal(poll(&fd, 1, LIMIT_MS), 1);
	assert_int_equal(read(event, &count, 8), 8);
	assert_int_equal(count, 1);
	/* The control function: its number, a knob of --set, what the GPU has done. */
	assert_int_equal(region_read(control, 0, 0), CONTROL_MAGIC);
	assert_int_equal(region_read(control, 0, CONTROL_REG_SERIAL), 7);
	assert_int_equal(region_read(control, VFIO_USER_CONFIG, 0), CONTROL_DEVICE << 16 | CONTROL_VENDOR);
	region_write(control, 0, CONTROL_GATE_BASE, 1);
	assert_int_equal(region_read(control, 0, CONTROL_GATE_BASE), 1);
	assert_int_equal(ask(control, 13, NULL, 0, -1, NULL, 0), 0);
	assert_int_equal(region_read(control, 0, CONTROL_GATE_BASE), 0);
	/* Its client goes, and comes again. */
	close(control);
	control = connect_to(b->control);
	hello(control);
	assert_int_equal(region_read(control, 0, 0), CONTROL_MAGIC);
	/* A reset. */
	assert_int_equal(ask(gpu, 13, NULL, 0, -1, NULL, 0), 0);
	assert_int_equal(region_read(gpu, 0, 0x160), 0);
	close(gpu);
	assert_int_equal(ended(b), 0);
	close(control);
	close(event);
	close(memory);
	assert_int_not_equal(access(b->socket, F_OK), 0);
	assert_int_not_equal(access(b->control, F_OK), 0);
	assert_true(file_says(b->log, " mmio_read chan=-1 addr=0 data=0x130000a1\n"));
	assert_true(file_says(b->log, " dma_map chan=-1 addr=0x100000 data=0x100000\n"));
	assert_true(file_says(b->summary, "board: dma_maps 1\n"));
	assert_true(file_says(b->summary, "board: interrupts 1\n"));
	assert_false(said(b->err, "error"));
}

static void trapped(void **state)
{
	serve(*state, "trapped");
}

static void mapped(void **state)
{
	serve(*state, "mapped");
}

static void terminated(void **state)
{
	struct bench *b = *state;
	char *const args[] = { "board", "--socket", b->socket, "--control", b->control, NULL };
	int sock;

	start(b, args);
	wait_for(b, b->socket);
	sock = connect_to(b->socket);
	hello(sock);
	kill(b->pid, SIGTERM);
	assert_int_equal(ended(b), 0);
	close(sock);
	assert_int_not_equal(access(b->socket, F_OK), 0);
	assert_int_not_equal(access(b->control, F_OK), 0);
}

/* A client that breaks the protocol ends the run, with a word about it. */
static void broken_client(void **state)
{
	struct bench *b = *state;
	char *const args[] = { "board", "--socket", b->socket, NULL };
	const struct header header = { 1, 1, 3, 0, 0 };
	char byte;
	int sock;

	start(b, args);
	wait_for(b, b->socket);
	sock = connect_to(b->socket);
	assert_int_equal(send(sock, &header, sizeof(header), MSG_NOSIGNAL), sizeof(header));
	assert_true(recv(sock, &byte, 1, 0) <= 0);
	close(sock);
	assert_int_equal(ended(b), 1);
	assert_true(said(b->err, "board: "));
}

/* At the end there is no room for what is to be said. */
static void disk_full(void **state)
{
	struct bench *b = *state;
	char *const args[] = { "board", "--socket", b->socket, "--log", "/dev/full", "--summary",
			       "/dev/full", NULL };
	int sock;

	start(b, args);
	wait_for(b, b->socket);
	sock = connect_to(b->socket);
	hello(sock);
	region_read(sock, 0, 0);
	close(sock);
	assert_int_equal(ended(b), 1);
	assert_true(said(b->err, "/dev/full"));
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(help),
		TEST(bad_arguments),
		TEST(bad_files),
		TEST(firmware),
		TEST(socket_in_use),
		TEST(trapped),
		TEST(mapped),
		TEST(terminated),
		TEST(broken_client),
		TEST(disk_full),
	};

	return cmocka_run_group_tests_name("main", tests, NULL, NULL);
}

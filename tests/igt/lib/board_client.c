// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "board_client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define DEVICES "/sys/bus/pci/devices"

/* The board has no interrupt that tells of a change: look again after this time. */
enum { LOOK_AGAIN_US = 500 };

static int fail(struct board *board, int ret, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int fail(struct board *board, int ret, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(board->why, sizeof(board->why), fmt, args);
	va_end(args);
	return ret;
}

/* Registers that go together are one process's at a time. */
static void turn(struct board *board, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	while (fcntl(board->fd, F_SETLKW, &lock) && errno == EINTR)
		;
}

static void enter(struct board *board)
{
	turn(board, F_WRLCK);
}

static void leave(struct board *board)
{
	turn(board, F_UNLCK);
}

static uint32_t get(struct board *board, unsigned int reg)
{
	return board->reg[reg / 4];
}

static void put(struct board *board, unsigned int reg, uint32_t value)
{
	board->reg[reg / 4] = value;
}

/* The lower half comes first, in both directions. */
static uint64_t get_pair(struct board *board, unsigned int reg)
{
	const uint32_t lower = get(board, reg);

	return (uint64_t)get(board, reg + 4) << 32 | lower;
}

static void put_pair(struct board *board, unsigned int reg, uint64_t value)
{
	put(board, reg, value);
	put(board, reg + 4, value >> 32);
}

static void look_again_later(void)
{
	const struct timespec t = { .tv_nsec = LOOK_AGAIN_US * 1000 };

	nanosleep(&t, NULL);
}

/* A number in a device's file. False: there is no such file. */
static bool number(const char *device, const char *file, unsigned long *value)
{
	char path[PATH_MAX], text[32];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), DEVICES "/%s/%s", device, file);
	f = fopen(path, "re");
	if (!f)
		return false;
	ok = fgets(text, sizeof(text), f);
	fclose(f);
	if (ok)
		*value = strtoul(text, NULL, 0);
	return ok;
}

static bool is_control(const char *device)
{
	unsigned long vendor, id;

	return number(device, "vendor", &vendor) && number(device, "device", &id) &&
	       vendor == CONTROL_VENDOR && id == CONTROL_DEVICE;
}

/* The other function of the same slot. */
static int function(char *to, size_t size, const char *device, char which)
{
	const size_t n = strlen(device);

	if (n < 2 || n >= size || device[n - 2] != '.')
		return -EINVAL;
	strcpy(to, device);
	to[n - 1] = which;
	return 0;
}

bool board_is(const char *gpu)
{
	char control[sizeof(((struct board *)0)->control)];

	return !function(control, sizeof(control), gpu, '1') && is_control(control);
}

static int find_only(struct board *board)
{
	DIR *dir = opendir(DEVICES);
	unsigned int nr = 0;
	struct dirent *entry;

	if (!dir)
		return fail(board, -errno, DEVICES ": %s; is sysfs mounted?", strerror(errno));
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !is_control(entry->d_name))
			continue;
		if (function(board->control, sizeof(board->control), entry->d_name, '1'))
			continue;
		nr++;
	}
	closedir(dir);
	if (!nr)
		return fail(board, -ENODEV, "no PCI device is a board's control function "
			    "(%04x:%04x); start the guest with a board",
			    CONTROL_VENDOR, CONTROL_DEVICE);
	if (nr > 1)
		return fail(board, -EINVAL, "%u boards are here; say which by its GPU's PCI "
			    "address", nr);
	return 0;
}

static int find(struct board *board, const char *gpu)
{
	int ret;

	if (!gpu) {
		ret = find_only(board);
		return ret ? ret : function(board->gpu, sizeof(board->gpu), board->control, '0');
	}
	if (function(board->control, sizeof(board->control), gpu, '1') ||
	    function(board->gpu, sizeof(board->gpu), gpu, '0'))
		return fail(board, -EINVAL, "\"%s\" is no PCI address; it has to be like "
			    "0000:00:05.0", gpu);
	if (!is_control(board->control))
		return fail(board, -ENODEV, "%s is no board's control function (%04x:%04x); "
			    "lspci -n lists what is here", board->control, CONTROL_VENDOR,
			    CONTROL_DEVICE);
	return 0;
}

static int map(struct board *board)
{
	char path[PATH_MAX];
	void *reg;
	int fd;

	snprintf(path, sizeof(path), DEVICES "/%s/enable", board->control);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(board, -errno, "%s: %s; this takes root", path, strerror(errno));
	if (write(fd, "1", 1) != 1) {
		fail(board, -errno, "writing 1 to %s: %s", path, strerror(errno));
		close(fd);
		return -EIO;
	}
	close(fd);

	snprintf(path, sizeof(path), DEVICES "/%s/resource0", board->control);
	board->fd = open(path, O_RDWR | O_CLOEXEC);
	if (board->fd < 0)
		return fail(board, -errno, "%s: %s; this takes root", path, strerror(errno));
	reg = mmap(NULL, CONTROL_BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, board->fd, 0);
	if (reg == MAP_FAILED)
		return fail(board, -errno, "mmap of %s: %s", path, strerror(errno));
	board->reg = reg;
	return 0;
}

static void read_name(struct board *board, enum control_kind kind, unsigned int index, char *name)
{
	unsigned int i;

	put(board, CONTROL_REG_NAME_SELECT, (uint32_t)kind << 16 | index);
	for (i = 0; i < BOARD_NAME - 1; i += 4) {
		const uint32_t word = get(board, CONTROL_REG_NAME + i);

		memcpy(name + i, &word, 4);
		if (memchr(name + i, 0, 4))
			break;
	}
	name[BOARD_NAME - 1] = 0;
}

const char *board_name(struct board *board, enum control_kind kind, unsigned int index)
{
	char *name;

	if (index >= BOARD_NAMES)
		return "";
	name = board->name[kind][index];
	if (!*name) {
		enter(board);
		read_name(board, kind, index, name);
		leave(board);
	}
	return name;
}

static int identify(struct board *board)
{
	const uint32_t magic = get(board, CONTROL_REG_MAGIC);
	const uint32_t version = get(board, CONTROL_REG_VERSION);

	if (magic != CONTROL_MAGIC)
		return fail(board, -EPROTO, "%s reads %#x where a board has %#x: it does not "
			    "answer",
			    board->control, magic, CONTROL_MAGIC);
	if (version != CONTROL_VERSION)
		return fail(board, -EPROTO, "the board's register map has version %u, this program "
			    "knows version %u; build both from one tree", version,
			    CONTROL_VERSION);
	enter(board);
	board->channels = get(board, CONTROL_REG_CHANNELS);
	board->stats = get(board, CONTROL_REG_STATS);
	board->knobs = get(board, CONTROL_REG_KNOBS);
	board->gates = get(board, CONTROL_REG_GATES);
	leave(board);
	return 0;
}

int board_open(struct board *board, const char *gpu)
{
	int ret;

	*board = (struct board) { .fd = -1 };
	ret = find(board, gpu);
	if (!ret)
		ret = map(board);
	if (!ret)
		ret = identify(board);
	if (ret)
		board_close(board);
	return ret;
}

void board_close(struct board *board)
{
	if (board->reg)
		munmap((void *)board->reg, CONTROL_BAR_SIZE);
	if (board->fd >= 0)
		close(board->fd);
	board->reg = NULL;
	board->fd = -1;
}

uint32_t board_serial(struct board *board)
{
	return get(board, CONTROL_REG_SERIAL);
}

static int find_name(struct board *board, const char *what, enum control_kind kind,
		     unsigned int nr, const char *name)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (!strcmp(board_name(board, kind, i), name))
			return i;
	}
	return fail(board, -ENOENT, "the board has no %s \"%s\"", what, name);
}

int board_stat(struct board *board, const char *name, uint64_t *value)
{
	const int i = find_name(board, "statistic", CONTROL_STAT, board->stats, name);

	if (i < 0)
		return i;
	enter(board);
	*value = get_pair(board, CONTROL_STAT_BASE + 8 * i);
	leave(board);
	return 0;
}

int board_clear(struct board *board)
{
	put(board, CONTROL_REG_CLEAR, 1);
	return 0;
}

int board_knob(struct board *board, const char *name, uint64_t *value)
{
	const int i = find_name(board, "knob", CONTROL_KNOB, board->knobs, name);

	if (i < 0)
		return i;
	enter(board);
	*value = get_pair(board, CONTROL_KNOB_BASE + 8 * i);
	leave(board);
	return 0;
}

int board_knob_set(struct board *board, const char *name, uint64_t value)
{
	const int i = find_name(board, "knob", CONTROL_KNOB, board->knobs, name);
	uint64_t now;

	if (i < 0)
		return i;
	enter(board);
	put_pair(board, CONTROL_KNOB_BASE + 8 * i, value);
	now = get_pair(board, CONTROL_KNOB_BASE + 8 * i);
	leave(board);
	if (now != value)
		return fail(board, -EINVAL, "the board does not take %llu for knob \"%s\", it "
			    "stays %llu; board --list-knobs has the limits",
			    (unsigned long long)value, name, (unsigned long long)now);
	return 0;
}

static unsigned int knobs_of(const struct board *board)
{
	return board->knobs < BOARD_NAMES ? board->knobs : BOARD_NAMES;
}

void board_knobs(struct board *board, struct board_knobs *knobs)
{
	unsigned int i;

	enter(board);
	for (i = 0; i < knobs_of(board); i++)
		knobs->value[i] = get_pair(board, CONTROL_KNOB_BASE + 8 * i);
	leave(board);
}

void board_knobs_restore(struct board *board, const struct board_knobs *knobs)
{
	struct board_knobs now;
	unsigned int i;

	board_knobs(board, &now);
	enter(board);
	for (i = 0; i < knobs_of(board); i++)
		if (now.value[i] != knobs->value[i])
			put_pair(board, CONTROL_KNOB_BASE + 8 * i, knobs->value[i]);
	leave(board);
}

void board_gates_open(struct board *board)
{
	unsigned int i;

	for (i = 0; i < board->gates; i++)
		put(board, CONTROL_GATE_BASE + 8 * i, false);
	/* The writes are posted; a read comes after them. */
	get(board, CONTROL_GATE_BASE);
}

int board_gate(struct board *board, const char *name, bool *closed, uint32_t *held)
{
	const int i = find_name(board, "gate", CONTROL_GATE, board->gates, name);

	if (i < 0)
		return i;
	*closed = get(board, CONTROL_GATE_BASE + 8 * i);
	*held = get(board, CONTROL_GATE_BASE + 8 * i + 4);
	return 0;
}

static int gate_set(struct board *board, const char *name, bool closed)
{
	const int i = find_name(board, "gate", CONTROL_GATE, board->gates, name);

	if (i < 0)
		return i;
	put(board, CONTROL_GATE_BASE + 8 * i, closed);
	/* The write is posted; the read comes after it. */
	if (get(board, CONTROL_GATE_BASE + 8 * i) != closed)
		return fail(board, -EIO, "gate \"%s\" is not %s after it was set", name,
			    closed ? "closed" : "open");
	return 0;
}

int board_gate_close(struct board *board, const char *name)
{
	return gate_set(board, name, true);
}

int board_gate_open(struct board *board, const char *name)
{
	return gate_set(board, name, false);
}

int board_gate_wait_held(struct board *board, const char *name, uint32_t held, unsigned int ms)
{
	const int64_t end = now_ms() + ms;

	for (;;) {
		const bool last = now_ms() > end;
		uint32_t now;
		bool closed;
		int ret = board_gate(board, name, &closed, &now);

		if (ret)
			return ret;
		if (now >= held)
			return 0;
		if (last)
			return fail(board, -ETIME, "waited %u ms for %u to be held at gate "
				    "\"%s\", which is %s: %u are",
				    ms, held, name, closed ? "closed" : "open", now);
		look_again_later();
	}
}

int board_channel(struct board *board, unsigned int chan, struct board_channel *channel)
{
	const unsigned int base = CONTROL_CHAN_BASE + CONTROL_CHAN_SIZE * chan;

	if (chan >= board->channels)
		return fail(board, -EINVAL, "the board has channels 0 to %u, and no %u",
			    board->channels - 1, chan);
	enter(board);
	*channel = (struct board_channel) {
		.state = get(board, base + CONTROL_CHAN_STATE),
		.runlist = get(board, base + CONTROL_CHAN_RUNLIST),
		.inst = get_pair(board, base + CONTROL_CHAN_INST),
		.pdb = get_pair(board, base + CONTROL_CHAN_PDB),
		.fault = get_pair(board, base + CONTROL_CHAN_FAULT),
	};
	leave(board);
	return 0;
}

unsigned int board_channels(struct board *board)
{
	return get(board, CONTROL_REG_BOUND);
}

int board_channels_wait(struct board *board, unsigned int nr, unsigned int ms)
{
	const int64_t end = now_ms() + ms;

	for (;;) {
		const bool last = now_ms() > end;
		const unsigned int now = board_channels(board);

		if (now == nr)
			return 0;
		if (last)
			return fail(board, -ETIME, "waited %u ms for the board to have %u "
				    "channels: it has %u", ms, nr, now);
		look_again_later();
	}
}

const char *board_channel_state(enum control_chan state)
{
	static const char * const name[] = {
		[CONTROL_CHAN_NONE] = "none", [CONTROL_CHAN_STOPPED] = "stopped",
		[CONTROL_CHAN_RUNS] = "runs", [CONTROL_CHAN_COPIES] = "copies",
		[CONTROL_CHAN_WAITS_SEMAPHORE] = "waits-semaphore",
		[CONTROL_CHAN_FAULTED] = "faulted", [CONTROL_CHAN_WAITS_REPLAY] = "waits-replay",
		[CONTROL_CHAN_DEAD] = "dead",
	};

	return state < sizeof(name) / sizeof(*name) ? name[state] : "unknown";
}

static uint32_t access_get(struct board *board, unsigned int entry, unsigned int word)
{
	return get(board, CONTROL_ACCESS_BASE + CONTROL_ACCESS_SIZE * entry + word);
}

/* Is none of [first, first + nr) under way? */
static bool entries_free(struct board *board, unsigned int first, unsigned int nr)
{
	unsigned int i;

	for (i = first; i < first + nr; i++)
		if (access_get(board, i, CONTROL_ACCESS_STATE) == CONTROL_RUNNING)
			return false;
	return true;
}

/* The first of nr entries in a row that are free. CONTROL_ACCESSES: there are none. */
static unsigned int find_entries(struct board *board, unsigned int nr)
{
	unsigned int first;

	for (first = board->next; first + nr <= CONTROL_ACCESSES; first++)
		if (entries_free(board, first, nr))
			return first;
	for (first = 0; first + nr <= CONTROL_ACCESSES; first++)
		if (entries_free(board, first, nr))
			return first;
	return CONTROL_ACCESSES;
}

int board_access_start(struct board *board, struct board_access *access, unsigned int nr)
{
	unsigned int i, first;

	if (!nr || nr > CONTROL_ACCESSES)
		return fail(board, -EINVAL, "%u accesses in a batch; there may be 1 to %u", nr,
			    CONTROL_ACCESSES);
	enter(board);
	first = find_entries(board, nr);
	for (i = 0; i < nr && first < CONTROL_ACCESSES; i++) {
		const unsigned int base = CONTROL_ACCESS_BASE + CONTROL_ACCESS_SIZE * (first + i);

		access[i].entry = first + i;
		put(board, base + CONTROL_ACCESS_CHAN, access[i].chan);
		put(board, base + CONTROL_ACCESS_TYPE, access[i].type);
		put_pair(board, base + CONTROL_ACCESS_VA, access[i].va);
		put(board, base + CONTROL_ACCESS_VALUE, access[i].value);
	}
	if (first < CONTROL_ACCESSES) {
		put(board, CONTROL_REG_START, first << 16 | nr);
		board->next = first + nr;
	}
	leave(board);
	return first < CONTROL_ACCESSES ? 0 :
	       fail(board, -EBUSY, "no room for %u accesses beside %u that are not done", nr,
		    get(board, CONTROL_REG_PENDING));
}

static unsigned int running(struct board *board, const struct board_access *access,
			    unsigned int nr)
{
	unsigned int i, n = 0;

	for (i = 0; i < nr; i++)
		n += access_get(board, access[i].entry, CONTROL_ACCESS_STATE) == CONTROL_RUNNING;
	return n;
}

bool board_access_ended(struct board *board, const struct board_access *access, unsigned int nr)
{
	return !running(board, access, nr);
}

int board_access_wait(struct board *board, struct board_access *access, unsigned int nr,
		      unsigned int ms)
{
	const int64_t end = now_ms() + ms;
	unsigned int i, pending;
	bool last;

	do {
		last = now_ms() > end;
		pending = running(board, access, nr);
		if (pending && !last)
			look_again_later();
	} while (pending && !last);

	for (i = 0; i < nr; i++) {
		access[i].value = access_get(board, access[i].entry, CONTROL_ACCESS_VALUE);
		access[i].state = access_get(board, access[i].entry, CONTROL_ACCESS_STATE);
	}
	return pending ? fail(board, -ETIME, "waited %u ms for %u accesses: %u are not done", ms,
			      nr, pending) : 0;
}

int board_access_stop(struct board *board)
{
	put(board, CONTROL_REG_STOP, 1);
	return 0;
}

int board_access(struct board *board, struct board_access *access, unsigned int nr,
		 unsigned int ms)
{
	unsigned int i, n;

	for (i = 0; i < nr; i += n) {
		int ret;

		n = nr - i < CONTROL_ACCESSES ? nr - i : CONTROL_ACCESSES;
		ret = board_access_start(board, access + i, n);
		if (ret)
			return ret;
		ret = board_access_wait(board, access + i, n, ms);
		if (ret) {
			board_access_stop(board);
			return ret;
		}
	}
	return 0;
}

const char *board_access_state(enum control_state state)
{
	static const char * const name[] = {
		[CONTROL_FREE] = "free", [CONTROL_RUNNING] = "running", [CONTROL_DONE] = "done",
		[CONTROL_CANCELLED] = "cancelled", [CONTROL_STOPPED] = "stopped",
		[CONTROL_NO_CHANNEL] = "no-channel",
	};

	return state < sizeof(name) / sizeof(*name) ? name[state] : "unknown";
}

uint64_t board_mark(struct board *board)
{
	uint64_t nr;

	enter(board);
	nr = get_pair(board, CONTROL_REG_EVENTS);
	leave(board);
	return nr;
}

int board_event_next(struct board *board, uint64_t *mark, struct board_event *event)
{
	uint32_t word[8], any = 0;
	unsigned int i;

	if (*mark >= board_mark(board))
		return 0;
	enter(board);
	put(board, CONTROL_REG_EVENT, *mark);
	for (i = 0; i < 8; i++) {
		word[i] = get(board, CONTROL_REG_RECORD + 4 * i);
		any |= word[i];
	}
	leave(board);
	if (!any)
		return fail(board, -ENODATA, "event %llu is gone: the board keeps the last ones "
			    "only; board --log has them all",
			    (unsigned long long)*mark);
	*event = (struct board_event) {
		.time = (uint64_t)word[1] << 32 | word[0], .kind = word[2], .chan = word[3],
		.addr = (uint64_t)word[5] << 32 | word[4],
		.data = (uint64_t)word[7] << 32 | word[6],
	};
	++*mark;
	return 1;
}

const char *board_event_name(struct board *board, uint32_t kind)
{
	const char *name = board_name(board, CONTROL_EVENT, kind);

	return *name ? name : "unknown";
}

int board_exclude(struct board *board, unsigned int chan, uint64_t start, uint64_t size)
{
	struct board_channel channel;
	int ret = chan == BOARD_ALL_CHANNELS ? 0 : board_channel(board, chan, &channel);

	if (ret)
		return ret;
	if (chan != BOARD_ALL_CHANNELS && channel.state == CONTROL_CHAN_NONE)
		return fail(board, -ENOENT, "there is no channel %u", chan);
	enter(board);
	put_pair(board, CONTROL_REG_WINDOW, start);
	put_pair(board, CONTROL_REG_WINDOW + 8, size);
	put(board, CONTROL_REG_WINDOW_CHAN, chan);
	leave(board);
	return 0;
}

enum control_oracle board_oracle(struct board *board)
{
	return get(board, CONTROL_REG_ORACLE);
}

int board_oracle_wait(struct board *board, unsigned int ms)
{
	const int64_t end = now_ms() + ms;
	uint64_t on = 0;
	int ret;

	ret = board_knob(board, "oracle", &on);
	if (ret)
		return ret;
	if (!on)
		return fail(board, -ENODEV, "the oracle is off: knob \"oracle\" is 0");
	for (;;) {
		const bool last = now_ms() > end;

		switch (board_oracle(board)) {
		case CONTROL_ORACLE_FOUND:
			return 0;
		case CONTROL_ORACLE_OFF:
			return fail(board, -ENODEV, "the oracle is off: the board has no memory of "
				    "the guest");
		case CONTROL_ORACLE_SEARCHES:
			break;
		}
		if (last)
			return fail(board, -ETIME, "waited %u ms for the oracle to find VMCOREINFO "
				    "in the guest's memory; its kernel needs "
				    "CONFIG_VMCORE_INFO (PROC_KCORE brings it)", ms);
		look_again_later();
	}
}

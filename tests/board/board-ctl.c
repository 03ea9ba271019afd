// SPDX-License-Identifier: MIT
/* The control function of a board, by hand. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board_client.h"

/* How long an access may take: one that waits at a closed gate is stopped after that. */
enum { ACCESS_MS = 30000, EVENTS = 20 };

static const char usage[] =
"usage: board-ctl [-g GPU] COMMAND\n"
"\n"
"  stats                        the counters\n"
"  clear                        counters are 0 from here on\n"
"  knobs                        the knobs and their values (board --list-knobs tells what they do)\n"
"  set KNOB VALUE\n"
"  gates                        the gates: open or closed, how many are held\n"
"  close GATE, open GATE\n"
"  channels                     the channels that there are\n"
"  events [N]                   the last N events (20), as board --log writes them\n"
"  access CHAN read|write|atomic|prefetch VA [VALUE]\n"
"                               make an access in the name of a channel\n"
"  oracle                       whether the oracle has found the guest's struct page\n"
"\n"
"GPU is its PCI address, 0000:00:05.0; it can be left out where there is one board.\n";

static int bad(const struct board *board)
{
	fprintf(stderr, "board-ctl: %s\n", board->why);
	return 1;
}

static int bad_number(const char *what, const char *text)
{
	fprintf(stderr, "board-ctl: %s \"%s\" is no number from 0 on; 0x and 0 begin hexadecimal and octal ones\n",
		what, text);
	return 2;
}

static bool number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	return *text && *text != '-' && !*end && !errno && *value <= max;
}

static int stats(struct board *board)
{
	unsigned int i;

	for (i = 0; i < board->stats; i++) {
		uint64_t value;

		if (board_stat(board, board_name(board, CONTROL_STAT, i), &value))
			return bad(board);
		printf("%s %llu\n", board_name(board, CONTROL_STAT, i),
		       (unsigned long long)value);
	}
	return 0;
}

static int knobs(struct board *board)
{
	unsigned int i;

	for (i = 0; i < board->knobs; i++) {
		uint64_t value;

		if (board_knob(board, board_name(board, CONTROL_KNOB, i), &value))
			return bad(board);
		printf("%s %llu\n", board_name(board, CONTROL_KNOB, i),
		       (unsigned long long)value);
	}
	return 0;
}

static int gates(struct board *board)
{
	unsigned int i;

	for (i = 0; i < board->gates; i++) {
		uint32_t held;
		bool closed;

		if (board_gate(board, board_name(board, CONTROL_GATE, i), &closed, &held))
			return bad(board);
		printf("%s %s held=%u\n", board_name(board, CONTROL_GATE, i),
		       closed ? "closed" : "open", held);
	}
	return 0;
}

static int channels(struct board *board)
{
	unsigned int i;

	for (i = 0; i < board->channels; i++) {
		struct board_channel channel;

		if (board_channel(board, i, &channel))
			return bad(board);
		if (channel.state == CONTROL_CHAN_NONE)
			continue;
		printf("%u %s runlist=%u inst=%#llx pdb=%#llx fault=%#llx\n", i,
		       board_channel_state(channel.state), channel.runlist,
		       (unsigned long long)channel.inst, (unsigned long long)channel.pdb,
		       (unsigned long long)channel.fault);
	}
	return 0;
}

static int events(struct board *board, uint64_t nr)
{
	const uint64_t end = board_mark(board);
	uint64_t mark = end > nr ? end - nr : 0;
	struct board_event e;

	while (mark < end) {
		const int ret = board_event_next(board, &mark, &e);

		/* Overwritten since, or more than there is room for. */
		if (ret == -ENODATA) {
			mark++;
			continue;
		}
		if (ret <= 0)
			return bad(board);
		printf("%llu %s chan=%d addr=%#llx data=%#llx\n", (unsigned long long)e.time,
		       board_event_name(board, e.kind), e.chan, (unsigned long long)e.addr,
		       (unsigned long long)e.data);
	}
	return 0;
}

static int access_(struct board *board, int argc, char **argv)
{
	static const char * const types[] = { "read", "write", "atomic", "prefetch" };
	struct board_access access = {};
	uint64_t chan, value = 0;

	if (!number(argv[0], UINT32_MAX, &chan))
		return bad_number("channel", argv[0]);
	while (access.type < 4 && strcmp(types[access.type], argv[1]))
		access.type++;
	if (access.type == 4) {
		fprintf(stderr, "board-ctl: \"%s\" is no kind of access; read, write, atomic, prefetch are\n",
			argv[1]);
		return 2;
	}
	if (!number(argv[2], UINT64_MAX, &access.va))
		return bad_number("address", argv[2]);
	if (argc > 3 && !number(argv[3], UINT32_MAX, &value))
		return bad_number("value", argv[3]);
	access.chan = chan;
	access.value = value;
	if (board_access(board, &access, 1, ACCESS_MS))
		return bad(board);
	printf("%s value=%#x\n", board_access_state(access.state), access.value);
	return access.state != CONTROL_DONE;
}

static int set(struct board *board, const char *knob, const char *text)
{
	uint64_t value;

	if (!number(text, UINT64_MAX, &value))
		return bad_number("value", text);
	return board_knob_set(board, knob, value) ? bad(board) : 0;
}

static int oracle(struct board *board)
{
	static const char * const state[] = { "off", "searches", "found" };
	const unsigned int now = board_oracle(board);

	printf("%s\n", now < 3 ? state[now] : "unknown");
	return now != CONTROL_ORACLE_FOUND;
}

/* Arguments after the command's name: how few and how many it takes. */
static const struct command {
	const char *name;
	int min, max;
} commands[] = {
	{ "stats", 0, 0 }, { "clear", 0, 0 }, { "knobs", 0, 0 }, { "set", 2, 2 }, { "gates", 0, 0 },
	{ "close", 1, 1 }, { "open", 1, 1 }, { "channels", 0, 0 }, { "events", 0, 1 },
	{ "access", 3, 4 }, { "oracle", 0, 0 }, {}
};

static int run(struct board *board, const char *name, int argc, char **argv)
{
	uint64_t nr = EVENTS;

	if (!strcmp(name, "stats"))
		return stats(board);
	if (!strcmp(name, "knobs"))
		return knobs(board);
	if (!strcmp(name, "gates"))
		return gates(board);
	if (!strcmp(name, "channels"))
		return channels(board);
	if (!strcmp(name, "oracle"))
		return oracle(board);
	if (!strcmp(name, "clear"))
		return board_clear(board) ? bad(board) : 0;
	if (!strcmp(name, "close"))
		return board_gate_close(board, argv[0]) ? bad(board) : 0;
	if (!strcmp(name, "open"))
		return board_gate_open(board, argv[0]) ? bad(board) : 0;
	if (!strcmp(name, "set"))
		return set(board, argv[0], argv[1]);
	if (!strcmp(name, "access"))
		return access_(board, argc, argv);
	if (argc && !number(argv[0], UINT32_MAX, &nr))
		return bad_number("number of events", argv[0]);
	return events(board, nr);
}

int main(int argc, char **argv)
{
	const struct command *command = commands;
	const char *gpu = NULL;
	struct board board;
	int ret;

	argc--;
	argv++;
	if (argc > 1 && !strcmp(*argv, "-g")) {
		gpu = argv[1];
		argc -= 2;
		argv += 2;
	}
	if (argc && (!strcmp(*argv, "--help") || !strcmp(*argv, "-h"))) {
		fputs(usage, stdout);
		return 0;
	}
	while (argc && command->name && strcmp(command->name, *argv))
		command++;
	if (!argc || !command->name || argc - 1 < command->min || argc - 1 > command->max) {
		if (argc && command->name)
			fprintf(stderr, "board-ctl: %s with %d words after it\n\n", *argv, argc - 1);
		else if (argc)
			fprintf(stderr, "board-ctl: there is no command \"%s\"\n\n", *argv);
		fputs(usage, stderr);
		return 2;
	}
	if (board_open(&board, gpu))
		return bad(&board);
	ret = run(&board, *argv, argc - 1, argv + 1);
	board_close(&board);
	return ret;
}

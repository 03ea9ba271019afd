// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU's TCG that counts the instructions a guest executes between two marks
 * (tests/board/count.c), for tools/count. The guest has one processor and no KASLR.
 *
 * Counted are the tasks, of user and of kernel, and the interrupts of devices, also those that
 * end the processor's idling. Not counted are idling itself and the timer's interrupts: how many
 * there are depends on how long the guest waits, which the host decides.
 *
 * Arguments: out=FILE, a line for each pair of marks; and hexadecimal addresses of the guest's
 * kernel: idle=tick_nohz_idle_enter, with which the idle task begins each time; switch=
 * __switch_to_asm, with which it ends; timer=asm_sysvec_apic_timer_interrupt.
 *
 * The interface is that of QEMU 11.0 and 11.1, API version 7, as its documentation has it
 * (docs/devel/tcg-plugins); Debian has no package with its header. QEMU refuses a plugin of
 * another version.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 7;

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;

/* A counter of each processor. */
typedef struct {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
} qemu_plugin_u64;

typedef struct {
	const char *target_name;
	struct {
		int min, cur;
	} version;
	bool system_emulation;
	int smp_vcpus, max_vcpus;
} qemu_info_t;

typedef void (*exec_cb)(unsigned int vcpu, void *data);

enum { CB_NO_REGS = 0, INLINE_ADD_U64 = 0 };
enum { DISCON_INTERRUPT = 1 << 0, DISCON_EXCEPTION = 1 << 1 };

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*cb)(struct qemu_plugin_tb *tb,
								   void *data), void *data);
void qemu_plugin_register_vcpu_discon_cb(uint64_t id, int types,
					 void (*cb)(unsigned int vcpu, int type, uint64_t from,
						    uint64_t to, void *data), void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_cb cb, int flags,
					    void *data);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn, int op,
							 qemu_plugin_u64 entry, uint64_t value);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t size);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t size);
uint64_t qemu_plugin_u64_sum(qemu_plugin_u64 entry);

enum kind { TASK, DEVICE, TIMER, IDLE, KINDS };

static const char * const kind_name[KINDS] = { "task", "device", "timer", "idle" };

static struct {
	qemu_plugin_u64 executed;	/* QEMU counts */
	uint64_t booked;		/* so far */
	uint64_t of[KINDS];

	bool idle;			/* the idle task runs */
	unsigned int depth;		/* of the interrupt that is followed, and those in it */
	bool timer;			/* it is the timer's */

	uint64_t idle_addr, switch_addr, timer_addr;
	uint64_t begun[KINDS];
	FILE *out;
} count;

static enum kind now(void)
{
	if (count.depth)
		return count.timer ? TIMER : DEVICE;
	return count.idle ? IDLE : TASK;
}

/* What was executed since the last time is of the kind that now() says. */
static void book(void)
{
	const uint64_t executed = qemu_plugin_u64_sum(count.executed);

	count.of[now()] += executed - count.booked;
	count.booked = executed;
}

static void idle_begins(unsigned int vcpu, void *data)
{
	(void)vcpu, (void)data;
	book();
	count.idle = true;
	count.depth = 0;
}

/* Of whatever task. An interrupt that leads here is over as far as it is an interrupt. */
static void task_switches(unsigned int vcpu, void *data)
{
	(void)vcpu, (void)data;
	book();
	count.idle = false;
	count.depth = 0;
}

/* The timer's are followed everywhere, others in the idle task. */
static void interrupted(unsigned int vcpu, int type, uint64_t from, uint64_t to, void *data)
{
	(void)vcpu, (void)type, (void)from, (void)data;
	if (!count.depth && !count.idle && to != count.timer_addr)
		return;
	book();
	if (!count.depth++)
		count.timer = to == count.timer_addr;
}

static void returns(unsigned int vcpu, void *data)
{
	(void)vcpu, (void)data;
	if (!count.depth)
		return;
	book();
	count.depth--;
}

static void work_begins(unsigned int vcpu, void *data)
{
	(void)vcpu, (void)data;
	book();
	memcpy(count.begun, count.of, sizeof(count.of));
}

static void work_ends(unsigned int vcpu, void *data)
{
	enum kind kind;

	(void)vcpu, (void)data;
	book();
	fprintf(count.out, "instructions=%" PRIu64, count.of[TASK] - count.begun[TASK] +
		count.of[DEVICE] - count.begun[DEVICE]);
	for (kind = 0; kind < KINDS; kind++)
		fprintf(count.out, " %s=%" PRIu64, kind_name[kind],
			count.of[kind] - count.begun[kind]);
	fputc('\n', count.out);
	fflush(count.out);
}

/* prefetchnta of an absolute address; the last byte says which mark it is. */
static const uint8_t mark[] = { 0x0f, 0x18, 0x04, 0x25, 'C', 'N', 'T' };
static const uint8_t iretq[] = { 0x48, 0xcf };

static void instrument(struct qemu_plugin_insn *insn)
{
	const uint64_t addr = qemu_plugin_insn_vaddr(insn);
	const size_t size = qemu_plugin_insn_size(insn);
	uint8_t byte[sizeof(mark) + 1];
	exec_cb cb = NULL;

	if (addr == count.idle_addr)
		cb = idle_begins;
	else if (addr == count.switch_addr)
		cb = task_switches;
	else if (size == sizeof(byte) && qemu_plugin_insn_data(insn, byte, size) == size &&
		 !memcmp(byte, mark, sizeof(mark)))
		cb = byte[sizeof(mark)] ? work_ends : work_begins;
	if (cb)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, cb, CB_NO_REGS, NULL);
	qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, INLINE_ADD_U64, count.executed, 1);
	if (size == sizeof(iretq) && qemu_plugin_insn_data(insn, byte, size) == size &&
	    !memcmp(byte, iretq, size))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, returns, CB_NO_REGS, NULL);
}

static void translated(struct qemu_plugin_tb *tb, void *data)
{
	const size_t nr = qemu_plugin_tb_n_insns(tb);
	size_t i;

	(void)data;
	for (i = 0; i < nr; i++)
		instrument(qemu_plugin_tb_get_insn(tb, i));
}

static bool take(const char *arg)
{
	const struct {
		const char *key;
		uint64_t *addr;
	} address[] = {
		{ "idle=", &count.idle_addr }, { "switch=", &count.switch_addr },
		{ "timer=", &count.timer_addr },
	};
	unsigned int i;

	for (i = 0; i < sizeof(address) / sizeof(*address); i++) {
		const size_t n = strlen(address[i].key);
		char *end;

		if (strncmp(arg, address[i].key, n))
			continue;
		*address[i].addr = strtoull(arg + n, &end, 16);
		return *address[i].addr && !*end;
	}
	if (strncmp(arg, "out=", 4))
		return false;
	count.out = fopen(arg + 4, "w");
	if (!count.out)
		fprintf(stderr, "count-plugin: %s: %s\n", arg + 4, strerror(errno));
	return count.out;
}

EXPORT int qemu_plugin_install(uint64_t id, const qemu_info_t *info, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (!take(argv[i])) {
			fprintf(stderr, "count-plugin: argument '%s': see the head of tools/count-plugin.c\n",
				argv[i]);
			return -1;
		}
	}
	if (!count.out || !count.idle_addr || !count.switch_addr || !count.timer_addr) {
		fprintf(stderr, "count-plugin: out, idle, switch and timer are needed, see the head of tools/count-plugin.c\n");
		return -1;
	}
	if (!info->system_emulation || info->smp_vcpus != 1) {
		fprintf(stderr, "count-plugin: the guest has %d processors; it has to have one\n",
			info->smp_vcpus);
		return -1;
	}
	count.executed.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated, NULL);
	qemu_plugin_register_vcpu_discon_cb(id, DISCON_INTERRUPT | DISCON_EXCEPTION, interrupted,
					    NULL);
	return 0;
}
